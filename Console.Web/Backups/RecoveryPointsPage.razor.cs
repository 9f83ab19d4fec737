using Microsoft.AspNetCore.Components;
using Quarterdeck.Backups;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Backups;

/// <summary>The recovery points of all repositories, live: paged, filtered, sorted and searched in SQL.</summary>
public sealed partial class RecoveryPointsPage : LiveComponent
{
    private LiveView<RecoveryPoint> _points = default!;
    private PageQuery _query = new();
    private RecoveryPointQuery _filter = new();
    private Problem? _filterProblem;
    private IReadOnlyList<Filter> _filters = [];
    private string? _ofVm;
    private bool _restores;

    [Inject] private RecoveryPoints Points { get; set; } = default!;
    [Inject] private RepositoryRegistry Repositories { get; set; } = default!;
    [Inject] private VirtualMachines Machines { get; set; } = default!;
    [Inject] private EventStream<RecoveryPoint> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _points = View(Stream, (caller, cancellation) => Points.ListAsync(caller, _filter, _query, cancellation), Concerns);
        var caller = await Callers.GetAsync();
        _restores = caller.May(RestoresPermissions.Run);
        if (!RendererInfo.IsInteractive) return;
        var repositories = await Repositories.ListAsync(caller, new PageQuery(1, PageQuery.MaxSize, "name"), CancellationToken.None);
        _filters =
        [
            new("repositoryId", "Repository", repositories.TryGet(out var page, out _) ? [.. page.Items.Select(r => (r.Id.ToString(), r.Name))] : []),
            new("common", "Origin", [("false", "backups"), ("true", "before a restore")]),
            new("damaged", "Found", [("true", "damaged"), ("false", "not damaged")]),
        ];
        await NameAsync();
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        var address = ListUri.Of(Navigation);
        _query = address.ToPageQuery(RecoveryPointEndpoints.Sortable, sort: "-createdAt");
        bool? common = bool.TryParse(address.Value("common"), out var yes) ? yes : null, damaged = bool.TryParse(address.Value("damaged"), out var bad) ? bad : null;
        if (RecoveryPointEndpoints.Read(address.Value("vmId"), address.Value("repositoryId"), common, damaged).TryGet(out var filter, out _filterProblem)) _filter = filter;
        Refresh(_points);
        if (_filter.VmId is null) _ofVm = null;
    }

    private bool Concerns(RecoveryPoint point) =>
        (_filter.VmId is null || point.VmId == _filter.VmId) && (_filter.RepositoryId is null || point.RepositoryId == _filter.RepositoryId) && (_filter.Common is null || point.Common == _filter.Common) && (_filter.Damaged is null || (point.Damage is not null) == _filter.Damaged);

    private async Task NameAsync()
    {
        if (_filter.VmId is not { } id) return;
        _ofVm = (await Machines.GetAsync(await Callers.GetAsync(), id, CancellationToken.None)).TryGet(out var vm, out _) ? vm.Name : "a VM that is gone";
    }
}
