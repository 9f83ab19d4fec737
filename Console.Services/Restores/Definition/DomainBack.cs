using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Run;

namespace Quarterdeck.Restores.Definition;

/// <summary>Sees that the VM of a full restore is defined: as it is now while its disks fit, else as the point has it.</summary>
internal sealed class DomainBack(VmPower power, HostConnections hosts)
{
    /// <summary>The VM; null when it is gone.</summary>
    /// <exception cref="TransientException">Its host is away.</exception>
    public async Task<LocatedVm?> FindAsync(RestoreInput input, CancellationToken cancellation)
    {
        try { return await power.LocateAsync(input.VmId, cancellation); }
        catch (ProblemException e) when (e.Problem.Kind == ProblemKind.NotFound) { return null; }
    }

    /// <summary>Defines the VM if it is gone or lacks a disk of the point.</summary>
    public async Task<LocatedVm> EnsureAsync(RestoreInput input, PointManifest point, IReadOnlyDictionary<string, string> paths, IOperationContext operation, CancellationToken cancellation)
    {
        var found = await FindAsync(input, cancellation);
        if (found is not null && point.Disks.All(d => found.Vm.Disks.Any(v => v.Target == d.Target && v.Path == paths[d.Target]))) return found;
        operation.Log(found is null ? "The VM is gone: it is defined as the recovery point has it." : "The VM lacks a disk of the recovery point: it is defined as the point has it.");
        var hypervisor = found?.Hypervisor ?? power.Host(input.HostId);
        var xml = DomainCopy.Same(point.DomainXml, found?.Vm.Name ?? input.Name, paths, await hosts.AccelerationAsync(input.HostId, cancellation));
        await operation.NoteAsync("restore.redefined", input.VmId.ToString());
        var domain = await VmPower.TryAsync(() => hypervisor.DefineAsync(xml, cancellation));
        await power.RefreshAsync(input.HostId, domain, cancellation);
        return await power.LocateAsync(input.VmId, cancellation);
    }
}
