namespace Quarterdeck.Hosts;

/// <summary>A change that rooms above may have to prepare for.</summary>
public enum VmChangeKind { Revert, Delete }

/// <summary>A seam for the rooms above: called inside the operation, before a VM is reverted to a snapshot or deleted.</summary>
/// <remarks>Backups removes its checkpoints here: reverting with checkpoints present kills the VM.</remarks>
public interface IBeforeVmChange
{
    /// <summary>Prepares; throwing stops the change.</summary>
    Task PrepareAsync(VmChangeKind change, Guid vmId, IHypervisor hypervisor, Guid domain, CancellationToken cancellation);
}
