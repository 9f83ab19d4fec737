using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Restores.Run;

/// <summary>Finds VMs for a restore and turns them off and on; a host that is away makes the operation wait and try again.</summary>
internal sealed class VmPower(HostConnections hosts, TimeProvider time)
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(15), Poll = TimeSpan.FromMilliseconds(200);

    /// <summary>The VM as its host has it at this moment.</summary>
    /// <exception cref="TransientException">The host is away.</exception>
    public async Task<LocatedVm> LocateAsync(Guid vmId, CancellationToken cancellation)
    {
        var located = Take(await hosts.LocateAsync(vmId, cancellation));
        return await TryAsync(() => hosts.RefreshAsync(located.Vm.HostId, located.Domain, cancellation)) is { } vm
            ? located with { Vm = vm }
            : throw new ProblemException(Problem.NotFound("VM", vmId));
    }

    /// <summary>The host's hypervisor.</summary>
    /// <exception cref="TransientException">The host is away.</exception>
    public IHypervisor Host(Guid hostId) => Take(hosts.Get(hostId));

    /// <summary>Reads the domain into the inventory now.</summary>
    public Task<Vm?> RefreshAsync(Guid hostId, Guid domain, CancellationToken cancellation) => TryAsync(() => hosts.RefreshAsync(hostId, domain, cancellation));

    /// <summary>What new VMs of the host run on.</summary>
    public Task<Acceleration> AccelerationAsync(Guid hostId, CancellationToken cancellation) => hosts.AccelerationAsync(hostId, cancellation);

    /// <summary>Shuts the guest down; cuts its power when it has not gone after <paramref name="patience"/>, or cannot hear because it is paused.</summary>
    public async Task ShutOffAsync(LocatedVm vm, TimeSpan patience, IOperationContext operation, CancellationToken cancellation)
    {
        var begun = time.GetTimestamp();
        var asked = TimeSpan.MinValue;
        while (await StateAsync(vm, cancellation) is var state && state is VmState.Running or VmState.Paused)
        {
            var elapsed = time.GetElapsedTime(begun);
            if (state is VmState.Paused || elapsed >= patience)
            {
                operation.Log(state is VmState.Paused ? "The VM is paused and cannot shut down: its power is cut." : $"The guest did not shut down within {patience.TotalSeconds:0} s: its power is cut.");
                await TryAsync(async () => { await vm.Hypervisor.DestroyAsync(vm.Domain, cancellation); return true; });
                continue;
            }
            if (asked < TimeSpan.Zero || elapsed - asked > AskAgain) // a guest that is still booting misses the button
            {
                await TryAsync(async () => { await vm.Hypervisor.ShutdownAsync(vm.Domain, cancellation); return true; });
                asked = elapsed;
            }
            await Task.Delay(Poll, time, cancellation);
        }
    }

    /// <summary>Throws saved memory away: it belongs to what the disks were, and resuming it over other content would destroy that.</summary>
    public async Task DropSavedStateAsync(LocatedVm vm, IOperationContext operation, CancellationToken cancellation)
    {
        if (!await TryAsync(() => vm.Hypervisor.HasSavedStateAsync(vm.Domain, cancellation))) return;
        operation.Log("The VM's saved memory belongs to the disks as they were: it is thrown away.");
        await TryAsync(async () => { await vm.Hypervisor.DropSavedStateAsync(vm.Domain, cancellation); return true; });
    }

    /// <summary>Starts it unless it runs.</summary>
    public async Task StartAsync(LocatedVm vm, CancellationToken cancellation)
    {
        if (await StateAsync(vm, cancellation) is not (VmState.Running or VmState.Paused))
            await TryAsync(async () => { await vm.Hypervisor.StartAsync(vm.Domain, cancellation); return true; });
        await RefreshAsync(vm.Vm.HostId, vm.Domain, cancellation);
    }

    /// <summary>What it does at this moment.</summary>
    public async Task<VmState> StateAsync(LocatedVm vm, CancellationToken cancellation) =>
        await TryAsync(() => vm.Hypervisor.DomainAsync(vm.Domain, cancellation)) is { } domain
            ? domain.State
            : throw new ProblemException(Problem.NotFound("VM", vm.Vm.Name));

    /// <summary>Runs calls to a hypervisor; a lost connection may pass.</summary>
    public static async Task<T> TryAsync<T>(Func<Task<T>> calls)
    {
        try { return await calls(); }
        catch (HypervisorException e) when (e.Error is HypervisorError.Disconnected or HypervisorError.TimedOut) { throw new TransientException(e.Problem.Detail, e); }
    }

    private static T Take<T>(Result<T> found) => found.TryGet(out var value, out var problem) ? value
        : throw (problem.Kind == ProblemKind.Unavailable ? new TransientException(problem.Detail) : new ProblemException(problem));
}
