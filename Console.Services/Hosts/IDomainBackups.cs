namespace Quarterdeck.Hosts;

/// <summary>A point since which libvirt tracks the changes of a domain's disks.</summary>
/// <param name="Name">Unique within the domain; the dirty bitmaps in the disks have it, too.</param>
/// <param name="Xml">As libvirt describes it, without the domain.</param>
public sealed record CheckpointRecord(string Name, string Xml);

/// <summary>What a hypervisor offers for backups: consistent exports, checkpoints, and the guest agent's freeze.</summary>
/// <remarks>Calls throw <see cref="HypervisorException"/>; the mock driver answers <see cref="HypervisorError.Unsupported"/>.</remarks>
public interface IDomainBackups
{
    /// <summary>Starts a backup job: freezes the disks' content at this instant and exports it, until <see cref="AbortJobAsync"/>.</summary>
    /// <param name="uuid">A running domain.</param>
    /// <param name="backupXml"><c>domainbackup</c>; its scratch images exist, empty qcow2 of the disks' sizes.</param>
    /// <param name="checkpointXml"><c>domaincheckpoint</c> to make at the same instant; null for none.</param>
    /// <param name="cancellation">Gives the wait up.</param>
    Task BeginBackupAsync(Guid uuid, string backupXml, string? checkpointXml, CancellationToken cancellation);

    /// <summary>The description of the backup job that runs on the domain, whoever started it; null when there is none.</summary>
    Task<string?> BackupJobAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>Ends the job that runs on the domain; for a pull-mode backup this is the good end.</summary>
    Task AbortJobAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>The domain's checkpoints, parents before children.</summary>
    Task<IReadOnlyList<CheckpointRecord>> CheckpointsAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>Removes a checkpoint; its changes are merged into its parent. Nothing happens when there is none.</summary>
    /// <param name="uuid">The domain; it must run unless <paramref name="metadataOnly"/>.</param>
    /// <param name="name">The checkpoint.</param>
    /// <param name="metadataOnly">Only what libvirt knows of it; the disks' bitmaps stay.</param>
    /// <param name="cancellation">Gives the wait up.</param>
    Task DeleteCheckpointAsync(Guid uuid, string name, bool metadataOnly, CancellationToken cancellation);

    /// <summary>Tells libvirt of a checkpoint whose bitmaps are in the disks already.</summary>
    Task RedefineCheckpointAsync(Guid uuid, string xml, CancellationToken cancellation);

    /// <summary>Whether a domain that is off ended by itself, as far as libvirt remembers: false after its power was cut, a crash, or with its memory saved.</summary>
    Task<bool> WasShutDownAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>Asks the guest's agent to freeze its file systems; returns how many were.</summary>
    Task<int> FreezeAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>Asks the guest's agent to let its file systems go on; returns how many were frozen.</summary>
    Task<int> ThawAsync(Guid uuid, CancellationToken cancellation);
}
