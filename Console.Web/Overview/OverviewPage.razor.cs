using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Web.Live;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Overview;

/// <summary>The first page: how the whole stands, what goes on, what needs a person, and the first steps of an empty system.</summary>
public sealed partial class OverviewPage
{
    /// <summary>Failures are shown for so long.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromHours(24);

    private LiveView<HostInfo> _hosts = default!;
    private LiveView<Vm> _vms = default!;
    private LiveView<Plugin> _plugins = default!;
    private LiveView<OperationInfo> _running = default!, _troubled = default!, _recent = default!;
    private LiveView<Worker> _workers = default!;
    private IReadOnlyList<Worker> _apart = [];
    private VmCounts? _counts;
    private IReadOnlyList<AuditEntry>? _audit;
    private Caller? _caller;
    private DateTimeOffset _since;

    [Inject] private HostRegistry Hosts { get; set; } = default!;
    [Inject] private VirtualMachines Vms { get; set; } = default!;
    [Inject] private PluginRegistry Plugins { get; set; } = default!;
    [Inject] private TierBook Tiers { get; set; } = default!;
    [Inject] private OperationReader Operations { get; set; } = default!;
    [Inject] private AuditTrail Audit { get; set; } = default!;
    [Inject] private EventStream<HostInfo> HostStream { get; set; } = default!;
    [Inject] private EventStream<Vm> VmStream { get; set; } = default!;
    [Inject] private EventStream<Plugin> PluginStream { get; set; } = default!;
    [Inject] private EventStream<Worker> WorkerStream { get; set; } = default!;
    [Inject] private EventStream<OperationInfo> OperationStream { get; set; } = default!;
    [Inject] private TimeProvider Clock { get; set; } = default!;

    protected override void OnInitialized()
    {
        _hosts = View(HostStream, (caller, c) => Hosts.ListAsync(caller, new PageQuery(Size: 100), c));
        _vms = View(VmStream, CountVmsAsync);
        _plugins = View(PluginStream, (caller, c) => Plugins.ListAsync(caller, new PageQuery(Size: PageQuery.MaxSize), c));
        _workers = View(WorkerStream, ApartAsync);
        _running = View(OperationStream, (caller, c) => Operations.ListAsync(caller, new OperationQuery { States = [OperationState.Running, OperationState.Queued] }, new PageQuery(Size: 8), c), concerns: o => !o.Ended);
        _troubled = View(OperationStream, TroubledAsync, concerns: IsTroubled);
        _recent = View(OperationStream, RecentAsync, concerns: o => o.Ended);
    }

    protected override void OnParametersSet() => Reload();

    protected override async Task OnInitializedAsync() => _caller = await Callers.GetAsync();

    private static bool IsTroubled(OperationInfo operation) => operation.State is OperationState.Failed or OperationState.Lost or OperationState.Warning;

    private void Reload()
    {
        Refresh(_hosts);
        Refresh(_vms);
        Refresh(_plugins);
        Refresh(_workers);
        Refresh(_running);
        Refresh(_troubled);
        Refresh(_recent);
    }

    private async Task<Result<Page<Vm>>> CountVmsAsync(Caller caller, CancellationToken cancellation)
    {
        var counts = await Vms.CountAsync(caller, new VmQuery(), cancellation);
        if (counts.TryGet(out var value, out var problem)) _counts = value;
        return problem is null ? new Page<Vm>([], 0, 1, 1) : problem; // no rows: every change counts again, at most once a second
    }

    private async Task<Result<Page<Worker>>> ApartAsync(Caller caller, CancellationToken cancellation)
    {
        if (caller.May(WorkersPermissions.Read) && (await Tiers.ApartAsync(caller, cancellation)).TryGet(out var apart, out _)) _apart = apart;
        return new Page<Worker>([], 0, 1, 1); // no rows: every change reads again, at most once a second
    }

    private Task<Result<Page<OperationInfo>>> TroubledAsync(Caller caller, CancellationToken cancellation)
    {
        _since = Clock.GetUtcNow() - Window;
        return Operations.ListAsync(caller, new OperationQuery { States = [OperationState.Failed, OperationState.Lost, OperationState.Warning] }, new PageQuery(Size: 6, Sort: "-endedAt"), cancellation);
    }

    private async Task<Result<Page<OperationInfo>>> RecentAsync(Caller caller, CancellationToken cancellation)
    {
        if (!caller.May(AccessPermissions.ReadAudit))
            return await Operations.ListAsync(caller, new OperationQuery { States = [OperationState.Succeeded, OperationState.Warning, OperationState.Failed, OperationState.Cancelled, OperationState.Lost] }, new PageQuery(Size: 8, Sort: "-endedAt"), cancellation);
        var entries = await Audit.ListAsync(caller, new AuditQuery(), new PageQuery(Size: 8), cancellation);
        if (entries.TryGet(out var page, out var problem)) _audit = page.Items;
        return problem is null ? new Page<OperationInfo>([], 0, 1, 1) : problem;
    }
}
