using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts.Vms;

/// <summary><c>vm.snapshot.create</c>.</summary>
internal sealed class TakeSnapshotHandler(HostCalls hosts, IEnumerable<IBeforeVmChange> preparations) : IOperationHandler
{
    /// <inheritdoc/>
    public OperationKind Kind => VmKinds.TakeSnapshot;

    /// <inheritdoc/>
    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var (vmId, name, description) = operation.Input<SnapshotTarget>();
        var vm = await hosts.LocateAsync(vmId, cancellation);
        if (vm.Vm.Disks.FirstOrDefault(d => d is { Device: "disk" } && d.Format != "qcow2") is { } other)
            throw new ProblemException(Problem.Conflict("A disk cannot hold snapshots", $"Disk {other.Target} is {other.Format}; snapshots are kept inside qcow2 images. Convert the disk to qcow2 first."));
        await preparations.BeforeSnapshotAsync(operation, vm);
        await operation.StepAsync("take", vm.Vm.State == VmState.Running ? "Saving disks and memory" : "Saving the disks", c => HostCalls.TryAsync(async () =>
        {
            var there = (await vm.Hypervisor.SnapshotsAsync(vm.Domain, c)).Any(s => s.Name == name);
            if (there && operation.Attempt > 1) return; // finished by an attempt before, which could not say so any more
            if (there) throw new ProblemException(Problem.Conflict("The name is taken", $"The VM has a snapshot '{name}' already. Choose another name."));
            await operation.NoteAsync("snapshot", name);
            await vm.Hypervisor.CreateSnapshotAsync(vm.Domain, name, description, c);
        }));
        return new { vmId, snapshot = name };
    }

    /// <inheritdoc/>
    public async Task UndoAsync(IOperationContext operation, IReadOnlyList<Note> notes, CancellationToken cancellation)
    {
        if (notes.Count == 0 || (await hosts.Connections.LocateAsync(operation.Input<SnapshotTarget>().VmId, cancellation)).Problem is { Kind: ProblemKind.NotFound }) return;
        var vm = await hosts.LocateAsync(operation.Input<SnapshotTarget>().VmId, cancellation);
        await hosts.UndoAsync(vm.Vm.HostId, async hypervisor =>
        {
            var there = await hypervisor.SnapshotsAsync(vm.Domain, cancellation);
            foreach (var note in notes.Where(n => there.Any(s => s.Name == n.Value))) await hypervisor.DeleteSnapshotAsync(vm.Domain, note.Value, cancellation);
        }, cancellation);
    }
}

/// <summary><c>vm.snapshot.revert</c>.</summary>
internal sealed class RevertSnapshotHandler(HostCalls hosts, IEnumerable<IBeforeVmChange> preparations) : IOperationHandler
{
    /// <inheritdoc/>
    public OperationKind Kind => VmKinds.Revert;

    /// <inheritdoc/>
    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var (vmId, name, _) = operation.Input<SnapshotTarget>();
        var vm = await hosts.LocateAsync(vmId, cancellation);
        await operation.StepAsync("prepare", "Preparing", async c =>
        {
            foreach (var preparation in preparations) await preparation.PrepareAsync(VmChangeKind.Revert, vmId, vm.Hypervisor, vm.Domain, c);
        });
        await operation.StepAsync("revert", $"Reverting to '{name}'", c => HostCalls.TryAsync(() => vm.Hypervisor.RevertSnapshotAsync(vm.Domain, name, c)));
        await HostCalls.TryAsync(() => hosts.Connections.RefreshAsync(vm.Vm.HostId, vm.Domain, cancellation));
        return new { vmId, snapshot = name };
    }
}

/// <summary><c>vm.snapshot.delete</c>.</summary>
internal sealed class DeleteSnapshotHandler(HostCalls hosts, IEnumerable<IBeforeVmChange> preparations) : IOperationHandler
{
    /// <inheritdoc/>
    public OperationKind Kind => VmKinds.DeleteSnapshot;

    /// <inheritdoc/>
    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var (vmId, name, _) = operation.Input<SnapshotTarget>();
        var vm = await hosts.LocateAsync(vmId, cancellation);
        await preparations.BeforeSnapshotAsync(operation, vm);
        await operation.StepAsync("delete", $"Deleting snapshot '{name}'", c => HostCalls.TryAsync(async () =>
        {
            if ((await vm.Hypervisor.SnapshotsAsync(vm.Domain, c)).Any(s => s.Name == name)) await vm.Hypervisor.DeleteSnapshotAsync(vm.Domain, name, c);
            else if (operation.Attempt == 1) throw new ProblemException(Problem.NotFound("snapshot", name));
        }));
        return new { vmId, snapshot = name };
    }
}

/// <summary>What a snapshot needs before it.</summary>
internal static class SnapshotPreparations
{
    /// <summary>Prepares for a snapshot of a VM that is off; one that runs needs nothing.</summary>
    public static async Task BeforeSnapshotAsync(this IEnumerable<IBeforeVmChange> preparations, IOperationContext operation, LocatedVm vm)
    {
        if (vm.Vm.State is VmState.Running or VmState.Paused) return;
        await operation.StepAsync("prepare", "Preparing", async c =>
        {
            foreach (var preparation in preparations) await preparation.PrepareAsync(VmChangeKind.Snapshot, vm.Vm.Id, vm.Hypervisor, vm.Domain, c);
        });
    }
}
