using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Vms;

/// <summary>What can be done with a VM in its present state; asks once before anything that loses work.</summary>
public sealed partial class VmActions
{
    private ConfirmDialog _confirm = default!;
    private bool _busy, _deleting, _disks;

    [Inject] private VirtualMachines Machines { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private NavigationManager Navigation { get; set; } = default!;

    /// <summary>The VM.</summary>
    [Parameter, EditorRequired] public required Vm Vm { get; set; }

    /// <summary>Who looks; what their role forbids is not shown.</summary>
    [Parameter, EditorRequired] public Caller? Caller { get; set; }

    /// <summary>An operation was queued.</summary>
    [Parameter] public EventCallback<Guid> Started { get; set; }

    /// <summary>The last action was refused, or null when it was not.</summary>
    [Parameter] public EventCallback<Problem?> Refused { get; set; }

    private bool _powers => Caller?.May(HostsPermissions.PowerVms) == true;
    private bool _manages => Caller?.May(HostsPermissions.ManageVms) == true;
    private bool Blocked => _busy || !Vm.Reachable;
    private VmDisk[] Disks => [.. Vm.Disks.Where(d => d is { Device: "disk", Path: not null })];

    private async Task ActAsync(VmAction action)
    {
        if (_busy || !await ConfirmAsync(action)) return;
        await QueueAsync(caller => Machines.ActAsync(caller, Vm.Id, action, CancellationToken.None));
    }

    private Task<bool> ConfirmAsync(VmAction action) => action switch
    {
        VmAction.Shutdown => _confirm.AskAsync($"Shut down {Vm.Name}?", "Its guest is asked to shut down, as by its power button.", $"Shut down {Vm.Name}"),
        VmAction.Reboot => _confirm.AskAsync($"Reboot {Vm.Name}?", "Its guest is asked to reboot.", $"Reboot {Vm.Name}"),
        VmAction.Stop => _confirm.AskAsync($"Cut the power of {Vm.Name}?", "As if its plug was pulled: what the guest has not written to its disks is lost.", $"Cut the power of {Vm.Name}", danger: true),
        _ => Task.FromResult(true),
    };

    private async Task DeleteAsync()
    {
        (_deleting, _disks) = (true, false);
        var running = Vm.State is VmState.Running or VmState.Paused ? "It runs now: its power is cut first. " : "";
        var sure = await _confirm.AskAsync($"Delete VM {Vm.Name}?", $"{running}Its definition and snapshots are removed from {Vm.HostName}. Its disks stay unless you say so below.", $"Delete {Vm.Name}", danger: true);
        _deleting = false;
        if (!sure) return;
        if (await QueueAsync(caller => Machines.DeleteAsync(caller, Vm.Id, _disks, CancellationToken.None)) is { } operation)
            Navigation.NavigateTo($"operations/{operation}");
    }

    private async Task<Guid?> QueueAsync(Func<Caller, Task<Result<Guid>>> ask)
    {
        _busy = true;
        try
        {
            var result = await ask(await Callers.GetAsync());
            await Refused.InvokeAsync(result.Problem);
            if (!result.TryGet(out var operation, out _)) return null;
            await Started.InvokeAsync(operation);
            return operation;
        }
        finally { _busy = false; }
    }
}
