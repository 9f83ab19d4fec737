namespace Quarterdeck.Hosts;

/// <summary>A change that rooms above may have to prepare for.</summary>
public enum VmChangeKind
{
    /// <summary>It goes back to a snapshot.</summary>
    Revert,
    /// <summary>It is deleted.</summary>
    Delete,
    /// <summary>Its disks are exchanged for others or laid under others, as an upgrade of its appliance does.</summary>
    Exchange,
    /// <summary>It is off, and a snapshot of it is taken or deleted.</summary>
    Snapshot,
    /// <summary>It is started.</summary>
    Start,
}

/// <summary>A seam for the rooms above: called inside the operation, before a VM is reverted to a snapshot, deleted, given other disks, started, or, while it is off, a snapshot of it is made or deleted.</summary>
/// <remarks>Backups removes its checkpoints here: reverting with checkpoints present kills the VM, and libvirt makes no snapshot of a VM that is off and has some.</remarks>
public interface IBeforeVmChange
{
    /// <summary>Prepares; throwing stops the change.</summary>
    Task PrepareAsync(VmChangeKind change, Guid vmId, IHypervisor hypervisor, Guid domain, CancellationToken cancellation);
}
