namespace Quarterdeck.Plugins;

/// <summary>What a plug-in adds to the console's own pages; every path is one of its own UI and shown inside the plug-in's frame.</summary>
/// <param name="Menu">Entries of the navigation, at most 8.</param>
/// <param name="Tabs">Tabs on the pages of objects, at most 8.</param>
/// <param name="Cards">Cards on the overview, at most 4.</param>
public sealed record PluginContributions(IReadOnlyList<MenuEntry> Menu, IReadOnlyList<ObjectTab> Tabs, IReadOnlyList<OverviewCard> Cards)
{
    /// <summary>It adds nothing.</summary>
    public static readonly PluginContributions None = new([], [], []);
}

/// <summary>An entry of the navigation.</summary>
/// <param name="Title">Its text, 1 to 40 characters.</param>
/// <param name="Path">Path in the plug-in's UI, beginning with one slash.</param>
/// <param name="Icon">One of the console's icons by name, such as <c>search</c>; null or an unknown one shows the plug-in's.</param>
public sealed record MenuEntry(string Title, string Path, string? Icon);

/// <summary>A tab on the page of an object, such as <em>VM → Netscan</em>.</summary>
/// <param name="Object">Whose page: <c>vm</c> or <c>host</c>.</param>
/// <param name="Title">Its text, 1 to 40 characters.</param>
/// <param name="Path">Path in the plug-in's UI, beginning with one slash; <c>{id}</c> in it stands for the object's id.</param>
public sealed record ObjectTab(string Object, string Title, string Path);

/// <summary>A card on the overview.</summary>
/// <param name="Title">Its heading, 1 to 40 characters.</param>
/// <param name="Path">Path in the plug-in's UI, beginning with one slash.</param>
/// <param name="HeightPx">Height of its frame in CSS pixels, 80 to 600.</param>
public sealed record OverviewCard(string Title, string Path, int HeightPx);

/// <summary>Where a plug-in wants to be told of events, inside its VM.</summary>
/// <param name="Port">TCP port inside the VM.</param>
/// <param name="Scheme"><c>http</c> or <c>https</c>.</param>
/// <param name="Path">Path to post to, beginning with one slash.</param>
/// <param name="Events">Names of events such as <c>vm.started</c>, at least one.</param>
public sealed record PluginWebhook(int Port, string Scheme, string Path, IReadOnlyList<string> Events);
