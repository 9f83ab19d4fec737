using Quarterdeck.Platform;

namespace Quarterdeck.Hosts;

/// <summary>A VM found on its connected host.</summary>
/// <param name="Vm">As last mirrored.</param>
/// <param name="Hypervisor">Its host's.</param>
/// <param name="Domain">The domain's UUID there (differs from the VM's id only where two hosts have the same UUID).</param>
public sealed record LocatedVm(Vm Vm, IHypervisor Hypervisor, Guid Domain);

/// <summary>The hypervisors connected now; for operations and the rooms above, which have asked <c>Guard</c> already.</summary>
public sealed class HostConnections
{
    /// <summary>The host's hypervisor; <see cref="ProblemKind.Unavailable"/> with the reason while it is disconnected, <see cref="ProblemKind.NotFound"/> for no such host.</summary>
    public Result<IHypervisor> Get(Guid hostId) => throw new NotImplementedException();

    /// <summary>The VM and its host's hypervisor.</summary>
    public Task<Result<LocatedVm>> LocateAsync(Guid vmId, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Reads one domain at once and mirrors it, rather than waiting for its event: after defining, so that the VM can be shown. Null when the domain is gone.</summary>
    public Task<Vm?> RefreshAsync(Guid hostId, Guid domain, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Whether guests of the host are started with KVM, by a probe made once; <see cref="Acceleration.Mock"/> for the mock driver.</summary>
    public Task<Acceleration> AccelerationAsync(Guid hostId, CancellationToken cancellation) => throw new NotImplementedException();
}
