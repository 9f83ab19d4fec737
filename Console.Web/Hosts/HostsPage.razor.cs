using Microsoft.AspNetCore.Components;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Hosts;

/// <summary>The hosts, live.</summary>
public sealed partial class HostsPage : LiveComponent
{
    private LiveView<HostInfo> _hosts = default!;
    private AddHostDialog _add = default!;
    private PageQuery _query = new();
    private bool _manages;

    [Inject] private HostRegistry Registry { get; set; } = default!;
    [Inject] private EventStream<HostInfo> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _hosts = View(Stream, (caller, cancellation) => Registry.ListAsync(caller, _query, cancellation));
        _manages = (await Callers.GetAsync()).May(HostsPermissions.ManageHosts);
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        _query = ListUri.Of(Navigation).ToPageQuery(["name", "uri", "state"], sort: "name");
        Refresh(_hosts);
    }
}
