using Microsoft.AspNetCore.Components;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Vms;

/// <summary>All VMs of all hosts, live: paged, filtered, sorted and searched in SQL.</summary>
public sealed partial class VmsPage : LiveComponent
{
    private LiveView<Vm> _vms = default!;
    private ConfirmDialog _confirm = default!;
    private PageQuery _query = new();
    private VmQuery _filter = new();
    private Problem? _problem, _filterProblem;
    private IReadOnlyList<Filter> _filters = [];
    private Guid? _last;
    private bool _manages, _powers;

    [Inject] private VirtualMachines Machines { get; set; } = default!;
    [Inject] private HostRegistry Hosts { get; set; } = default!;
    [Inject] private EventStream<Vm> Stream { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        _vms = View(Stream, (caller, cancellation) => Machines.ListAsync(caller, _filter, _query, cancellation), Concerns, Moves);
        var caller = await Callers.GetAsync();
        (_manages, _powers) = (caller.May(HostsPermissions.ManageVms), caller.May(HostsPermissions.PowerVms));
        if (!RendererInfo.IsInteractive) return;
        var hosts = await Hosts.ListAsync(caller, new PageQuery(1, PageQuery.MaxSize, "name"), CancellationToken.None);
        var tags = await Machines.TagsAsync(caller, CancellationToken.None);
        _filters =
        [
            new("state", "State", [("running", "running"), ("paused", "paused"), ("off", "off"), ("crashed", "crashed")]),
            new("hostId", "Host", hosts.TryGet(out var page, out _) ? [.. page.Items.Select(h => (h.Id.ToString(), h.Name))] : []),
            new("tag", "Tag", tags.TryGet(out var all, out _) ? [.. all.Select(t => (t, t))] : []),
        ];
    }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        var address = ListUri.Of(Navigation);
        _query = address.ToPageQuery(VmFilter.Sortable, sort: "name");
        if (VmFilter.Read(address.Value("hostId"), address.Value("state"), address.Value("tag")).TryGet(out var filter, out _filterProblem)) _filter = filter;
        Refresh(_vms);
    }

    /// <summary>Whether a changed VM could belong to what is shown; the search is left to SQL.</summary>
    private bool Concerns(Vm vm) =>
        (_filter.HostId is null || vm.HostId == _filter.HostId)
        && (_filter.State is null || vm.State == _filter.State)
        && (_filter.Tag is null || vm.Tags.Contains(_filter.Tag));

    private bool Moves(Vm before, Vm after) => _query.Sort?.TrimStart('-') switch
    {
        "state" => before.State != after.State,
        "host" => before.HostName != after.HostName,
        "vcpus" => before.Vcpus != after.Vcpus,
        "memoryMiB" => before.MemoryMiB != after.MemoryMiB,
        _ => before.Name != after.Name,
    };

    private async Task ActAsync(Vm vm, VmAction action)
    {
        if (action is VmAction.Shutdown && !await _confirm.AskAsync($"Shut down {vm.Name}?", "Its guest is asked to shut down; what is open there may ask to be saved.", $"Shut down {vm.Name}")) return;
        var result = await Machines.ActAsync(await Callers.GetAsync(), vm.Id, action, CancellationToken.None);
        if (result.TryGet(out var operation, out _problem)) _last = operation;
    }

    private static long? DiskBytes(Vm vm) => vm.Disks.Where(d => d.Device == "disk").Sum(d => d.SizeBytes) is var sum and > 0 ? sum : null;
}
