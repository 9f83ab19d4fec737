using Quarterdeck.Hosts;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>A VM that is deleted leaves no environment behind: those volumes are the console's own, hold what the guest was told, and are not among the VM's disks.</summary>
internal sealed class EnvironmentGoesWithVm(ApplianceStore appliances) : IBeforeVmChange
{
    public async Task PrepareAsync(VmChangeKind change, Guid vmId, IHypervisor hypervisor, Guid domain, CancellationToken cancellation)
    {
        if (change is not VmChangeKind.Delete) return;
        foreach (var row in await appliances.OfVmAsync(vmId, cancellation))
            foreach (var path in row.Places.Paths) await hypervisor.DeleteVolumeAsync(path, cancellation);
    }
}
