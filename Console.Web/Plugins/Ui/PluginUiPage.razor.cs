using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Routing;
using Quarterdeck.Events;
using Quarterdeck.Plugins;
using Quarterdeck.Web.Live;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>A plug-in's own pages, full size; the rest of the address is the page's.</summary>
public sealed partial class PluginUiPage : LiveComponent
{
    private LiveView<Plugin> _view = default!;
    private Guid? _shown;
    private string? _path, _title;
    private int _wish;

    [Inject] private PluginRegistry Registry { get; set; } = default!;
    [Inject] private EventStream<Plugin> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <summary>The plug-in.</summary>
    [Parameter] public Guid Id { get; set; }

    /// <summary>Only so that the route takes it; the path is read from the address, undecoded and with its query.</summary>
    [Parameter] public string? Inner { get; set; }

    /// <inheritdoc/>
    protected override void OnInitialized()
    {
        _view = ViewOne(Stream, () => Id.ToString(), (caller, cancellation) => Registry.GetAsync(caller, Id, cancellation));
        Navigation.LocationChanged += Moved; // the same address again is a wish, too, and no new parameter
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        _path = PathOf(Navigation.Uri);
        if (_shown == Id) return;
        (_shown, _title) = (Id, null);
        Refresh(_view);
    }

    private void Moved(object? sender, LocationChangedEventArgs e)
    {
        if (PathOf(e.Location) is not { } path) return;
        _ = InvokeAsync(() =>
        {
            (_path, _wish) = (path, _wish + 1);
            StateHasChanged();
        });
    }

    /// <summary>What follows the plug-in's root; null when there is nothing, and for other pages.</summary>
    private string? PathOf(string address)
    {
        var relative = Navigation.ToBaseRelativePath(address);
        var root = PluginLinks.Root(Id);
        if (!relative.StartsWith(root, StringComparison.OrdinalIgnoreCase)) return null;
        var rest = relative[root.Length..];
        return rest.StartsWith('?') ? "/" + rest : PluginLinks.IsPath(rest) ? rest : null;
    }

    private static string Why(Plugin plugin) => plugin.State switch
    {
        PluginState.Disabled => $"{plugin.Name} is disabled",
        PluginState.Deploying or PluginState.Enrolling => $"{plugin.Name} is being installed",
        _ => $"{plugin.Name} is being removed",
    };

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        Navigation.LocationChanged -= Moved;
        return base.DisposeAsync();
    }
}
