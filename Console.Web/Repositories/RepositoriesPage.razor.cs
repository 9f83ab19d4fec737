using Microsoft.AspNetCore.Components;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Repositories;

/// <summary>The backup repositories, live.</summary>
public sealed partial class RepositoriesPage : LiveComponent
{
    private LiveView<RepositoryInfo> _repositories = default!;
    private AddRepositoryDialog _add = default!;
    private PageQuery _query = new();
    private bool _manages;

    [Inject] private RepositoryRegistry Registry { get; set; } = default!;
    [Inject] private EventStream<RepositoryInfo> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _repositories = View(Stream, (caller, cancellation) => Registry.ListAsync(caller, _query, cancellation));
        _manages = (await Callers.GetAsync()).May(RepositoriesPermissions.Manage);
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        _query = ListUri.Of(Navigation).ToPageQuery(["name", "state", "points", "usedBytes", "logicalBytes", "location"], sort: "name");
        Refresh(_repositories);
    }
}
