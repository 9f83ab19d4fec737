namespace Quarterdeck.Restores;

/// <summary>What a restore makes.</summary>
public enum RestoreMode
{
    /// <summary>The VM's own disks, in place: only the chunks that differ from the point are written. The present state is kept as an expiring recovery point first.</summary>
    Incremental,
    /// <summary>All disks anew over the same VM, which is defined again when it is gone; the present disks are replaced when the new ones are whole.</summary>
    Full,
    /// <summary>Another VM with a name, UUID and MAC addresses of its own; the VM of the point is not touched.</summary>
    New,
    /// <summary>A VM that runs at once, out of the repository, while its data moves into images of its own in the background. The point's VM again when that is gone, else another one.</summary>
    Instant,
}

/// <summary>A restore that is asked for.</summary>
/// <param name="RecoveryPointId">What to go back to.</param>
/// <param name="Mode">What to make.</param>
/// <param name="Name">Name of the new VM; only with <see cref="RestoreMode.New"/>, and needed there, and with <see cref="RestoreMode.Instant"/>, where without one it is the point's VM again, which must be gone.</param>
/// <param name="HostId">Host of the new VM; null for the host of the point's VM. In the other modes only for a VM that is gone.</param>
/// <param name="Start">Whether to start the VM afterwards; null for the state before (a new VM: off; an instant one: started).</param>
/// <param name="ShutdownSeconds">How long the guest has to shut down before its power is cut, 0 to 3600; null for the console's setting. 0 cuts it at once.</param>
/// <param name="Plan">REST only: answer the plan and do nothing.</param>
/// <param name="RepositoryId">Where to read from, for a point that was copied and is in several repositories; null for any of them.</param>
public sealed record NewRestore(
    Guid RecoveryPointId, RestoreMode Mode, string? Name = null, Guid? HostId = null, bool? Start = null, int? ShutdownSeconds = null, bool Plan = false, Guid? RepositoryId = null);

/// <summary>What a restore did; the operation's result.</summary>
/// <param name="Mode">What was made.</param>
/// <param name="VmId">The VM.</param>
/// <param name="ReadBytes">Read from the VM's disks, for the common snapshot.</param>
/// <param name="SentBytes">Chunk bytes from the repository to the host.</param>
/// <param name="WrittenBytes">Written to the disks; zeroes count with their length.</param>
/// <param name="Chunks">Chunks of 64 KiB that differed.</param>
/// <param name="Seconds">From the operation's start until the VM could start again, waits of its attempts included.</param>
/// <param name="CommonPointId">The recovery point that holds what was on the disks before; restoring it undoes this restore. Null where none was made.</param>
public sealed record RestoreResult(RestoreMode Mode, Guid VmId, long ReadBytes, long SentBytes, long WrittenBytes, long Chunks, double Seconds, Guid? CommonPointId);
