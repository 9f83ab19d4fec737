using Quarterdeck.Hosts.Inventory;
using Quarterdeck.Operations;

namespace Quarterdeck.Hosts.Vms;

/// <summary>Deletes a VM, and with it those of its disks that are certainly nobody else's.</summary>
internal sealed class DeleteVmHandler(HostCalls hosts, VmReader vms, IEnumerable<IBeforeVmChange> preparations) : IOperationHandler
{
    /// <inheritdoc/>
    public OperationKind Kind => VmKinds.Delete;

    /// <inheritdoc/>
    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var (vmId, withDisks) = operation.Input<VmDeletion>();
        // What is to be deleted is written down first: after the definition is gone nothing else would know.
        var plan = await operation.StepAsync("plan", "Finding the VM", async c =>
        {
            var found = await hosts.LocateAsync(vmId, c);
            var disks = withDisks ? found.Vm.Disks.Where(d => d is { Device: "disk", Path: not null }).Select(d => d.Path!).Distinct().ToList() : [];
            return new Plan(found.Vm.HostId, found.Domain, disks);
        });
        var hypervisor = hosts.Get(plan.HostId);
        await operation.StepAsync("remove", "Removing the VM", c => HostCalls.TryAsync(async () =>
        {
            if (await hypervisor.DomainAsync(plan.Domain, c) is not { } domain) return; // by an attempt before, or by somebody else
            foreach (var preparation in preparations) await preparation.PrepareAsync(VmChangeKind.Delete, vmId, hypervisor, plan.Domain, c);
            if (domain.State is VmState.Running or VmState.Paused) await hypervisor.DestroyAsync(plan.Domain, c);
            if (domain.Persistent) await hypervisor.UndefineAsync(plan.Domain, c);
        }));
        var deleted = new List<string>();
        var kept = new List<string>();
        foreach (var path in plan.Disks)
        {
            var reason = await operation.StepAsync($"disk:{path}", $"Deleting {path}", c => HostCalls.TryAsync(() => DeleteAsync(hypervisor, plan.HostId, vmId, path, c)));
            if (reason is null) deleted.Add(path);
            else
            {
                kept.Add(path);
                operation.Warn($"Kept {path}: {reason}");
            }
            operation.Progress(deleted.Count + kept.Count, plan.Disks.Count, "disks");
        }
        await HostCalls.TryAsync(() => hosts.Connections.RefreshAsync(plan.HostId, plan.Domain, cancellation));
        return new { vmId, disksDeleted = deleted, disksKept = kept };
    }

    // Null when it is deleted, else why it is kept.
    private async Task<string?> DeleteAsync(IHypervisor hypervisor, Guid hostId, Guid vmId, string path, CancellationToken cancellation)
    {
        if (await vms.UsersOfAsync(hostId, path, vmId, cancellation) is [var user, ..]) return $"'{user}' uses it too.";
        if (await hypervisor.VolumeAsync(path, cancellation) is null)
            return "no storage pool holds it, so the console does not know whose it is. Delete it on the host if it is not needed.";
        await hypervisor.DeleteVolumeAsync(path, cancellation);
        return null;
    }

    private sealed record Plan(Guid HostId, Guid Domain, IReadOnlyList<string> Disks);
}
