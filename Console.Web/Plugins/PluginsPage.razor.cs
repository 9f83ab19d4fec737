using Microsoft.AspNetCore.Components;
using Quarterdeck.Appliances;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Plugins;

/// <summary>The plug-ins, live.</summary>
public sealed partial class PluginsPage : LiveComponent
{
    private LiveView<Plugin> _plugins = default!;
    private PageQuery _query = new();
    private bool _installs, _validates;

    [Inject] private PluginRegistry Registry { get; set; } = default!;
    [Inject] private EventStream<Plugin> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _plugins = View(Stream, (caller, cancellation) => Registry.ListAsync(caller, _query, cancellation));
        var caller = await Callers.GetAsync();
        (_installs, _validates) = (caller.May(AppliancePermissions.Deploy), caller.May(AppliancePermissions.Inspect));
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        _query = ListUri.Of(Navigation).ToPageQuery(["name", "key", "vendor", "state", "createdAt"], sort: "name");
        Refresh(_plugins);
    }
}
