using Quarterdeck.Hosts.Inventory;
using Quarterdeck.Hosts.Supervision;
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
    private static readonly TimeSpan ProbeWait = TimeSpan.FromSeconds(30);
    private readonly Supervisors _supervisors;
    private readonly VmReader _vms;

    internal HostConnections(Supervisors supervisors, VmReader vms) => (_supervisors, _vms) = (supervisors, vms);

    /// <summary>Whether the hosts in the database are being followed: false only in the first moments after the start.</summary>
    public bool Following => _supervisors.Looked;

    /// <summary>The host's hypervisor; <see cref="ProblemKind.Unavailable"/> with the reason while it is disconnected, <see cref="ProblemKind.NotFound"/> for no such host.</summary>
    public Result<IHypervisor> Get(Guid hostId)
    {
        if (_supervisors.Find(hostId) is not { } session)
            return _supervisors.Looked ? Problem.NotFound("host", hostId) : Problem.Unavailable("The console is starting", "The hosts are not connected yet. Try again in a few seconds.");
        return session.Link is { } link
            ? Result<IHypervisor>.From(link)
            : Problem.Unavailable("The host is disconnected", $"{session.Name}: {session.Facts.Problem ?? HostInfo.Connecting} Try again when it is connected.");
    }

    /// <summary>The VM and its host's hypervisor.</summary>
    public async Task<Result<LocatedVm>> LocateAsync(Guid vmId, CancellationToken cancellation)
    {
        if (await _vms.FindAsync(vmId, cancellation) is not var (vm, domain)) return Problem.NotFound("VM", vmId);
        return Get(vm.HostId).Then(hypervisor => new LocatedVm(vm, hypervisor, domain));
    }

    /// <summary>The VMs that have a domain's UUID, on whichever host: where a VM is that was moved outside. Empty when it is gone.</summary>
    public Task<IReadOnlyList<Vm>> OfDomainAsync(Guid domain, CancellationToken cancellation) => _vms.OfDomainAsync(domain, cancellation);

    /// <summary>Reads one domain at once and mirrors it, rather than waiting for its event: after defining, so that the VM can be shown. Null when the domain is gone.</summary>
    /// <exception cref="HypervisorException">The host is disconnected or fails.</exception>
    public async Task<Vm?> RefreshAsync(Guid hostId, Guid domain, CancellationToken cancellation)
    {
        if (_supervisors.Find(hostId) is not { Link: { } link } session)
            throw new HypervisorException(HypervisorError.Disconnected, "read the domain", "The host is disconnected.");
        await session.Mirror.ReadAsync(link, [domain], cancellation);
        return await session.Mirror.IdOfAsync(domain, cancellation) is { } id && await _vms.FindAsync(id, cancellation) is var (vm, _) ? vm : null;
    }

    /// <summary>Whether guests of the host are started with KVM, by a probe made once; <see cref="Acceleration.Mock"/> for the mock driver, <see cref="Acceleration.Unknown"/> while the host is away.</summary>
    public async Task<Acceleration> AccelerationAsync(Guid hostId, CancellationToken cancellation)
    {
        if (_supervisors.Find(hostId) is not { } session) return Acceleration.Unknown;
        try { return (await session.Probed.WaitAsync(ProbeWait, cancellation)).Acceleration; }
        catch (TimeoutException) { return session.Facts.Acceleration; }
    }

    /// <summary>Whether every host was tried once since the console started: its inventory is read, or it is known to be disconnected.</summary>
    public bool Settled => _supervisors.Looked && _supervisors.Sessions.All(s => s.Tried);

    internal IReadOnlyList<VmSample> SamplesOf(Guid hostId, Guid domain) => _supervisors.Find(hostId)?.History.Of(domain) ?? [];
}
