using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Removes what a deployment made. Whatever is gone already does no harm.</summary>
internal sealed class ApplianceDismantler(HostConnections hosts)
{
    /// <summary>Powers the domain off and removes its definition.</summary>
    public async Task DomainAsync(Guid hostId, Guid vmId, CancellationToken cancellation)
    {
        var hypervisor = hosts.Get(hostId).Value;
        if (await hypervisor.DomainAsync(vmId, cancellation) is { } domain)
        {
            await IgnoreAsync(HypervisorError.WrongState, () => domain.State is VmState.Off ? Task.CompletedTask : hypervisor.DestroyAsync(vmId, cancellation));
            await IgnoreAsync(HypervisorError.NotFound, () => hypervisor.UndefineAsync(vmId, cancellation));
        }
        await hosts.RefreshAsync(hostId, vmId, cancellation);
    }

    /// <summary>Removes a volume by pool and name.</summary>
    public async Task VolumeAsync(Guid hostId, VolumeName volume, CancellationToken cancellation)
    {
        var hypervisor = hosts.Get(hostId).Value;
        if (await hypervisor.VolumeAsync(volume.Pool, volume.Name, cancellation) is { } found) await hypervisor.DeleteVolumeAsync(found.Path, cancellation);
    }

    /// <summary>Removes a volume by its path.</summary>
    public async Task VolumeAsync(Guid hostId, string path, CancellationToken cancellation) => await hosts.Get(hostId).Value.DeleteVolumeAsync(path, cancellation);

    private static async Task IgnoreAsync(HypervisorError error, Func<Task> action)
    {
        try { await action(); }
        catch (HypervisorException e) when (e.Error == error || e.Error is HypervisorError.NotFound) { }
    }
}
