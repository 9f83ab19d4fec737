using System.Globalization;
using Quarterdeck.Access;
using Quarterdeck.Hosts.Inventory;
using Quarterdeck.Hosts.Vms;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts;

/// <content>What changes VMs.</content>
public sealed partial class VirtualMachines
{
    /// <summary>Queues <c>vm.create</c>; its result is <c>{vmId}</c>. Answers the operation's id.</summary>
    public async Task<Result<Guid>> CreateAsync(Caller caller, NewVm vm, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ManageVms, VmStore.Kind, cancellation) is { } refusal) return refusal;
        if ((vm.Cdrom is not null || vm.Disks?.Any(d => d.SourcePath is not null) == true)
            && await _guard.CheckAsync(caller, HostsPermissions.UseHostFiles, VmStore.Kind, cancellation) is { } filesRefused) return filesRefused;
        if (await _hosts.FindAsync(vm.HostId, cancellation) is not { } host)
            return Problem.Invalid("hostId", $"There is no host '{vm.HostId}'.", "Use the id of a host of the list of hosts.");
        if (!(await _check.CheckAsync(vm, host, cancellation)).TryGet(out var spec, out var problem)) return problem;
        if (InMaintenance(host) is { } closed) return closed;
        if (_connections.Get(vm.HostId).Problem is { } away) return away;
        return await _operations.EnqueueAsync(caller, new NewOperation(VmKinds.Create.Key, Target(spec.VmId), spec.Name, spec)
        {
            // The name, too: two creations with one name on one host would otherwise fail late.
            Locks = [new(Target(spec.VmId), LockMode.Exclusive), new($"vm-name:{spec.HostId}/{spec.Name}", LockMode.Exclusive), new($"host:{spec.HostId}", LockMode.Shared)],
        }, cancellation);
    }

    /// <summary>Changes a VM now; says what holds only from its next start. Conflict while another operation changes or deletes it.</summary>
    public async Task<Result<VmEdited>> EditAsync(Caller caller, Guid id, VmChange change, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, HostsPermissions.ManageVms, Target(id), cancellation) is { } refusal) return refusal;
        if (await _vms.FindAsync(id, cancellation) is not var (vm, _)) return Problem.NotFound("VM", id);
        if (VmRequestCheck.Check(change) is { } wrong) return wrong;
        if (change with { Tags = null } != new VmChange() && _connections.Get(vm.HostId).Problem is { } away) return away;
        var begun = await _operations.BeginAttendedAsync(caller, new NewOperation(VmKinds.Edit.Key, Target(id), vm.Name, new VmEdit(id, change))
        {
            Locks = [new(Target(id), LockMode.Shared), new($"vm-definition:{id}", LockMode.Exclusive)],
        }, cancellation);
        if (!begun.TryGet(out var operation, out var busy)) return busy;
        await using (operation)
        {
            // This thread makes the steps, so that the answer holds the outcome; the queue then finds them done and ends the operation.
            try
            {
                var later = await _edit.ApplyAsync(operation.Context, operation.Cancellation);
                await operation.HandOverAsync(CancellationToken.None);
                await UntilEndedAsync(operation.Id, cancellation);
                return await _vms.FindAsync(id, CancellationToken.None) is var (after, _) ? new VmEdited(after, later) : Problem.NotFound("VM", id);
            }
            catch (Exception e) when (e is ProblemException or TransientException)
            {
                var problem = (e as ProblemException)?.Problem ?? Problem.Unavailable("The host is disconnected", e.Message);
                await operation.FailAsync(problem, CancellationToken.None);
                return problem;
            }
        }
    }

    // The locks go with the operation's end: without this a second change right after the first would meet them.
    private async Task UntilEndedAsync(Guid operation, CancellationToken cancellation)
    {
        for (var i = 0; i < 50; i++)
        {
            if ((await _reader.GetAsync(Caller.System, operation, cancellation)).TryGet(out var info, out _) && info.Ended) return;
            await Task.Delay(TimeSpan.FromMilliseconds(60), _time, cancellation);
        }
    }

    /// <summary>Queues a power action; answers the operation's id.</summary>
    public async Task<Result<Guid>> ActAsync(Caller caller, Guid id, VmAction action, CancellationToken cancellation) =>
        (await PowerAsync(caller, id, action, cancellation)).TryGet(out var operation, out var problem) ? await _operations.EnqueueAsync(caller, operation, cancellation) : problem;

    /// <summary>What a power action queues.</summary>
    internal async Task<Result<NewOperation>> PowerAsync(Caller caller, Guid id, VmAction action, CancellationToken cancellation)
    {
        if (!(await PrepareAsync(caller, HostsPermissions.PowerVms, id, cancellation)).TryGet(out var vm, out var problem)) return problem;
        if (action == VmAction.Start && await _hosts.FindAsync(vm.HostId, cancellation) is { } host && InMaintenance(host) is { } closed) return closed;
        var conflict = (action, vm.State) switch
        {
            (VmAction.Pause or VmAction.Reboot or VmAction.Shutdown, VmState.Off or VmState.Crashed) => "It is off. Start it first.",
            (VmAction.Resume, VmState.Off or VmState.Crashed) => "It is off. Start it.",
            (VmAction.Start, VmState.Paused) => "It is paused. Resume it.",
            _ => null,
        };
        if (conflict is not null) return Problem.Conflict("The VM's state forbids it", $"'{vm.Name}': {conflict}");
        // Cutting the power must not wait for a guest that takes its time to shut down.
        ResourceLock[] locks = action == VmAction.Stop ? [new(Target(id), LockMode.Shared)] : [new(Target(id), LockMode.Shared), new($"vm-power:{id}", LockMode.Exclusive)];
        return new NewOperation(VmKinds.Of(action).Key, Target(id), vm.Name, new VmTarget(id)) { Locks = locks };
    }

    /// <summary>Queues <c>vm.delete</c>. With <paramref name="disks"/> its disks go too, except such as other VMs use or no pool holds. Answers the operation's id.</summary>
    public async Task<Result<Guid>> DeleteAsync(Caller caller, Guid id, bool disks, CancellationToken cancellation)
    {
        if (!(await PrepareAsync(caller, HostsPermissions.ManageVms, id, cancellation)).TryGet(out var vm, out var problem)) return problem;
        return await _operations.EnqueueAsync(caller, new NewOperation(VmKinds.Delete.Key, Target(id), vm.Name, new VmDeletion(id, disks)) { Locks = [new(Target(id), LockMode.Exclusive)] }, cancellation);
    }

    /// <summary>Queues <c>vm.snapshot.create</c>; answers the operation's id.</summary>
    public async Task<Result<Guid>> TakeSnapshotAsync(Caller caller, Guid id, NewSnapshot snapshot, CancellationToken cancellation) =>
        (await SnapshotAsync(caller, id, snapshot, cancellation)).TryGet(out var operation, out var problem) ? await _operations.EnqueueAsync(caller, operation, cancellation) : problem;

    /// <summary>What taking a snapshot queues.</summary>
    internal async Task<Result<NewOperation>> SnapshotAsync(Caller caller, Guid id, NewSnapshot snapshot, CancellationToken cancellation)
    {
        var name = snapshot.Name ?? _time.GetUtcNow().ToString("yyyy-MM-dd HH.mm.ss", CultureInfo.InvariantCulture);
        if (!(await PrepareAsync(caller, HostsPermissions.SnapshotVms, id, cancellation)).TryGet(out var vm, out var problem)) return problem;
        if (VmNames.CheckSnapshot(name) is { } wrong) return Problem.Invalid([wrong]);
        if (snapshot.Description is { Length: > 1000 }) return Problem.Invalid("description", "It is longer than 1000 characters.", "Shorten it.");
        return OnSnapshot(VmKinds.TakeSnapshot, vm, name, new string([.. (snapshot.Description ?? "").Where(c => !char.IsControl(c))]));
    }

    /// <summary>Queues <c>vm.snapshot.revert</c>; answers the operation's id.</summary>
    public Task<Result<Guid>> RevertAsync(Caller caller, Guid id, string snapshot, CancellationToken cancellation) => OnSnapshotAsync(caller, VmKinds.Revert, id, snapshot, cancellation);

    /// <summary>Queues <c>vm.snapshot.delete</c>; answers the operation's id.</summary>
    public Task<Result<Guid>> DeleteSnapshotAsync(Caller caller, Guid id, string snapshot, CancellationToken cancellation) => OnSnapshotAsync(caller, VmKinds.DeleteSnapshot, id, snapshot, cancellation);

    private async Task<Result<Guid>> OnSnapshotAsync(Caller caller, OperationKind kind, Guid id, string snapshot, CancellationToken cancellation)
    {
        if (!(await PrepareAsync(caller, HostsPermissions.SnapshotVms, id, cancellation)).TryGet(out var vm, out var problem)) return problem;
        if (!(await SnapshotsAsync(Caller.System, id, cancellation)).TryGet(out var there, out problem)) return problem;
        if (!there.Any(s => s.Name == snapshot)) return Problem.NotFound("snapshot", snapshot);
        return await _operations.EnqueueAsync(caller, OnSnapshot(kind, vm, snapshot, ""), cancellation);
    }

    private static NewOperation OnSnapshot(OperationKind kind, Vm vm, string name, string description) =>
        new(kind.Key, Target(vm.Id), vm.Name, new SnapshotTarget(vm.Id, name, description)) { Locks = [new(Target(vm.Id), LockMode.Exclusive)] };

    // Permission, existence, and that the host answers: an operation that could only wait is refused at once.
    private async Task<Result<Vm>> PrepareAsync(Caller caller, Permission permission, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, permission, Target(id), cancellation) is { } refusal) return refusal;
        if (await _vms.FindAsync(id, cancellation) is not var (vm, _)) return Problem.NotFound("VM", id);
        return _connections.Get(vm.HostId).Problem is { } away ? away : vm;
    }

    private static Problem? InMaintenance(HostInfo host) => host.State == HostState.Maintenance
        ? Problem.Conflict("The host is in maintenance", $"No VM is created or started on '{host.Name}' while it is in maintenance. Take it out of maintenance first.")
        : null;
}
