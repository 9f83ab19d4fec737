using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Restores.Exports;

namespace Quarterdeck.Restores.Instant;

/// <summary>Guards a VM whose instant restore ended before all of its data had moved: what it lacks is in the repository alone.</summary>
/// <remarks>While the operation is under way its locks do this.</remarks>
internal sealed class UnmovedData(RetryShim shim) : IBeforeVmChange
{
    /// <inheritdoc/>
    public async Task PrepareAsync(VmChangeKind change, Guid vmId, IHypervisor hypervisor, Guid domain, CancellationToken cancellation)
    {
        var sockets = ExportSockets.In(await hypervisor.XmlAsync(domain, cancellation, inactive: true), vmId);
        if (sockets.Count == 0) return;
        if (change is VmChangeKind.Delete)
        {
            // Whatever ends it, its program would wait for the console for ever.
            foreach (var socket in sockets) await shim.EndAsync(socket);
            return;
        }
        // Without anybody behind the socket QEMU would only say that it cannot connect.
        if (change is VmChangeKind.Start && sockets.All(s => File.Exists(ExportSockets.Behind(s)))) return;
        throw new ProblemException(Problem.Conflict("Its data is not all there",
            "The VM's instant restore ended before all data had moved: what it lacks is in the repository. Retry that operation (the VM's tab Operations has it); what the guest wrote is kept."));
    }
}
