using Microsoft.AspNetCore.Components;
using Quarterdeck.Appliances;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Appliances;

/// <summary>The deployed appliances, live.</summary>
public sealed partial class AppliancesPage : LiveComponent
{
    private LiveView<Appliance> _appliances = default!;
    private PageQuery _query = new();
    private bool _installs;

    [Inject] private ApplianceRegistry Registry { get; set; } = default!;
    [Inject] private EventStream<Appliance> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _appliances = View(Stream, (caller, cancellation) => Registry.ListAsync(caller, _query, cancellation));
        _installs = (await Callers.GetAsync()).May(AppliancePermissions.Deploy);
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        _query = ListUri.Of(Navigation).ToPageQuery(["name", "product", "vendor", "publisher", "createdAt"], sort: "-createdAt");
        Refresh(_appliances);
    }
}
