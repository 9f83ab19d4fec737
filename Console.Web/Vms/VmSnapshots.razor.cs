using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Vms;

/// <summary>A VM's snapshots; read again whenever an operation of this VM ends.</summary>
public sealed partial class VmSnapshots : LiveComponent
{
    private LiveView<OperationInfo> _operations = default!;
    private ConfirmDialog _confirm = default!;
    private IReadOnlyList<VmSnapshot>? _snapshots;
    private Problem? _problem;
    private string? _name, _description;
    private string _readFor = "";
    private bool _busy;

    [Inject] private VirtualMachines Machines { get; set; } = default!;
    [Inject] private OperationReader Reader { get; set; } = default!;
    [Inject] private EventStream<OperationInfo> Stream { get; set; } = default!;

    /// <summary>The VM.</summary>
    [Parameter, EditorRequired] public required Vm Vm { get; set; }

    /// <summary>Who looks.</summary>
    [Parameter, EditorRequired] public Caller? Caller { get; set; }

    /// <summary>An operation was queued.</summary>
    [Parameter] public EventCallback<Guid> Started { get; set; }

    private bool _may => Caller?.May(HostsPermissions.SnapshotVms) == true;
    private string Target => $"vm:{Vm.Id}";

    /// <inheritdoc/>
    protected override void OnInitialized()
    {
        _operations = View(Stream, (caller, cancellation) => Reader.ListAsync(caller, new OperationQuery { Target = Target }, new PageQuery(1, 1), cancellation), o => o.Target == Target);
        Refresh(_operations);
    }

    /// <inheritdoc/>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        // snapshots have no topic of their own; they change when an operation of the VM does
        var present = _operations.Page is { } page ? $"{Vm.Id} {page.Total} {page.Items.FirstOrDefault()?.State}" : "";
        if (present.Length == 0 || present == _readFor) return;
        _readFor = present;
        var result = await Machines.SnapshotsAsync(await Callers.GetAsync(), Vm.Id, CancellationToken.None);
        if (result.TryGet(out var snapshots, out var problem)) _snapshots = snapshots;
        else _problem = problem;
        StateHasChanged();
    }

    private Task TakeAsync() => QueueAsync(caller => Machines.TakeSnapshotAsync(caller, Vm.Id, new NewSnapshot(Blank(_name), Blank(_description)), CancellationToken.None));

    private async Task RevertAsync(VmSnapshot snapshot)
    {
        if (await _confirm.AskAsync($"Revert {Vm.Name} to {snapshot.Name}?", "Everything that the VM wrote since then is lost.", $"Revert {Vm.Name}", danger: true))
            await QueueAsync(caller => Machines.RevertAsync(caller, Vm.Id, snapshot.Name, CancellationToken.None));
    }

    private async Task DeleteAsync(VmSnapshot snapshot)
    {
        if (await _confirm.AskAsync($"Delete snapshot {snapshot.Name}?", $"{Vm.Name} keeps its present state; it can no longer be reverted to this one.", $"Delete {snapshot.Name}", danger: true))
            await QueueAsync(caller => Machines.DeleteSnapshotAsync(caller, Vm.Id, snapshot.Name, CancellationToken.None));
    }

    private async Task QueueAsync(Func<Caller, Task<Result<Guid>>> ask)
    {
        if (_busy) return;
        _busy = true;
        try
        {
            var result = await ask(await Callers.GetAsync());
            if (!result.TryGet(out var operation, out _problem)) return;
            (_name, _description) = (null, null);
            await Started.InvokeAsync(operation);
        }
        finally { _busy = false; }
    }

    private static string? Blank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}
