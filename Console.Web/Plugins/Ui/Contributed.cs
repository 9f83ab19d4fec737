using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>What plug-ins add to the console's pages, as long as they are shown at all.</summary>
internal static class Contributed
{
    private const string TabPrefix = "plugin-";

    /// <summary>The plug-ins whose pages the caller may open; none for others, without asking.</summary>
    public static async Task<Result<Page<Plugin>>> ReadAsync(PluginRegistry registry, Caller caller, CancellationToken cancellation) =>
        caller.May(PluginPermissions.Open) && caller.May(PluginPermissions.Read)
            ? (await registry.ListAsync(caller, new PageQuery(Size: PageQuery.MaxSize, Sort: "name"), cancellation)).Then(p => p with { Items = [.. p.Items.Where(Shows)] })
            : new Page<Plugin>([], 0, 1, 1);

    /// <summary>Entries of the navigation; a plug-in that has pages and names none gets one with its own name.</summary>
    public static IEnumerable<(Plugin Plugin, string Title, string Href, string Icon)> Menu(IEnumerable<Plugin>? plugins) =>
        from plugin in plugins ?? []
        where Shows(plugin)
        from entry in plugin.Contributes.Menu.Count > 0 ? plugin.Contributes.Menu : [new MenuEntry(plugin.Name, "", null)]
        where entry.Path.Length == 0 || PluginLinks.IsPath(entry.Path)
        select (plugin, entry.Title, PluginLinks.To(plugin.Id, entry.Path), entry.Icon is { } icon && Icons.Names.Contains(icon) ? icon : "plugin");

    /// <summary>Tabs on the pages of a kind of object.</summary>
    public static IEnumerable<(string Key, Plugin Plugin, ObjectTab Tab)> Tabs(IEnumerable<Plugin>? plugins, string kind) =>
        from plugin in plugins ?? []
        where Shows(plugin)
        from tab in plugin.Contributes.Tabs.Index()
        where tab.Item.Object == kind && PluginLinks.IsPath(tab.Item.Path)
        select ($"{TabPrefix}{plugin.Id:N}-{tab.Index}", plugin, tab.Item);

    /// <summary>Cards on the overview.</summary>
    public static IEnumerable<(Plugin Plugin, OverviewCard Card)> Cards(IEnumerable<Plugin>? plugins) =>
        from plugin in plugins ?? []
        where Shows(plugin)
        from card in plugin.Contributes.Cards
        where PluginLinks.IsPath(card.Path)
        select (plugin, card);

    /// <summary>Whether a tab's key is a plug-in's.</summary>
    public static bool IsTab(string? key) => key?.StartsWith(TabPrefix, StringComparison.Ordinal) == true;

    /// <summary>Whether a change concerns what is contributed.</summary>
    public static bool Shows(Plugin plugin) => plugin.Ui is not null && PluginTickets.Shows(plugin);
}
