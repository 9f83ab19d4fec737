using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts.Vms;

/// <summary>A power action. Each is idempotent: a VM that is already as wanted is left alone.</summary>
internal abstract class PowerHandler(HostCalls hosts, OperationKind kind) : IOperationHandler
{
    /// <inheritdoc/>
    public OperationKind Kind => kind;

    /// <inheritdoc/>
    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var vmId = operation.Input<VmTarget>().VmId;
        var vm = await hosts.LocateAsync(vmId, cancellation);
        await operation.StepAsync("act", kind.Title, c => HostCalls.TryAsync(() => ActAsync(operation, vm, c)));
        await HostCalls.TryAsync(() => hosts.Connections.RefreshAsync(vm.Vm.HostId, vm.Domain, cancellation));
        return new { vmId };
    }

    /// <summary>Does it.</summary>
    protected abstract Task ActAsync(IOperationContext operation, LocatedVm vm, CancellationToken cancellation);

    /// <summary>Starts a domain unless it runs.</summary>
    public static async Task<bool> StartIfNeededAsync(IHypervisor hypervisor, Guid domain, CancellationToken cancellation)
    {
        if (await StateAsync(hypervisor, domain, cancellation) is VmState.Running or VmState.Paused) return false;
        await hypervisor.StartAsync(domain, cancellation);
        return true;
    }

    /// <summary>What the domain does at this moment.</summary>
    protected static async Task<VmState> StateAsync(IHypervisor hypervisor, Guid domain, CancellationToken cancellation) =>
        await hypervisor.DomainAsync(domain, cancellation) is { } found ? found.State : throw new ProblemException(Problem.NotFound("VM", domain));
}

/// <summary><c>vm.start</c>.</summary>
internal sealed class StartVmHandler(HostCalls hosts, IEnumerable<IBeforeVmChange> preparations) : PowerHandler(hosts, VmKinds.Start)
{
    protected override async Task ActAsync(IOperationContext operation, LocatedVm vm, CancellationToken cancellation)
    {
        foreach (var preparation in preparations) await preparation.PrepareAsync(VmChangeKind.Start, vm.Vm.Id, vm.Hypervisor, vm.Domain, cancellation);
        if (!await StartIfNeededAsync(vm.Hypervisor, vm.Domain, cancellation)) operation.Log("It was running already.");
    }
}

/// <summary><c>vm.shutdown</c>: asks, and waits until the guest has gone.</summary>
internal sealed class ShutdownVmHandler(HostCalls hosts, TimeProvider time) : PowerHandler(hosts, VmKinds.Shutdown)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3), AskAgain = TimeSpan.FromSeconds(15), Poll = TimeSpan.FromMilliseconds(500);

    protected override async Task ActAsync(IOperationContext operation, LocatedVm vm, CancellationToken cancellation)
    {
        var begun = time.GetTimestamp();
        var asked = TimeSpan.MinValue;
        while (await StateAsync(vm.Hypervisor, vm.Domain, cancellation) is var state && state is VmState.Running or VmState.Paused)
        {
            if (state == VmState.Paused) throw new ProblemException(Problem.Conflict("The VM is paused", "A paused guest cannot shut down. Resume it first, or stop it."));
            var elapsed = time.GetElapsedTime(begun);
            if (elapsed > Patience)
                throw new ProblemException(Problem.Conflict("The guest does not shut down", $"The guest was asked to shut down and is still running after {Patience.TotalMinutes:0} minutes. Shut it down from inside, or stop it, which cuts its power."));
            if (asked < TimeSpan.Zero || elapsed - asked > AskAgain) // a guest that is still booting misses the button
            {
                await vm.Hypervisor.ShutdownAsync(vm.Domain, cancellation);
                asked = elapsed;
            }
            operation.Progress((long)elapsed.TotalSeconds, (long)Patience.TotalSeconds, "seconds");
            await Task.Delay(Poll, time, cancellation);
        }
    }
}

/// <summary><c>vm.stop</c>: cuts the power.</summary>
internal sealed class StopVmHandler(HostCalls hosts) : PowerHandler(hosts, VmKinds.Stop)
{
    protected override async Task ActAsync(IOperationContext operation, LocatedVm vm, CancellationToken cancellation)
    {
        if (await StateAsync(vm.Hypervisor, vm.Domain, cancellation) is VmState.Off or VmState.Crashed) operation.Log("It was off already.");
        else await vm.Hypervisor.DestroyAsync(vm.Domain, cancellation);
    }
}

/// <summary><c>vm.reboot</c>: asks the guest.</summary>
internal sealed class RebootVmHandler(HostCalls hosts) : PowerHandler(hosts, VmKinds.Reboot)
{
    protected override Task ActAsync(IOperationContext operation, LocatedVm vm, CancellationToken cancellation) => vm.Hypervisor.RebootAsync(vm.Domain, cancellation);
}

/// <summary><c>vm.pause</c>.</summary>
internal sealed class PauseVmHandler(HostCalls hosts) : PowerHandler(hosts, VmKinds.Pause)
{
    protected override async Task ActAsync(IOperationContext operation, LocatedVm vm, CancellationToken cancellation)
    {
        if (await StateAsync(vm.Hypervisor, vm.Domain, cancellation) == VmState.Paused) operation.Log("It was paused already.");
        else await vm.Hypervisor.PauseAsync(vm.Domain, cancellation);
    }
}

/// <summary><c>vm.resume</c>.</summary>
internal sealed class ResumeVmHandler(HostCalls hosts) : PowerHandler(hosts, VmKinds.Resume)
{
    protected override async Task ActAsync(IOperationContext operation, LocatedVm vm, CancellationToken cancellation)
    {
        if (await StateAsync(vm.Hypervisor, vm.Domain, cancellation) == VmState.Running) operation.Log("It was running already.");
        else await vm.Hypervisor.ResumeAsync(vm.Domain, cancellation);
    }
}
