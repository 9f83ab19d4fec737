using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups;

/// <summary>What a recovery point is taken for.</summary>
public enum TakeKind
{
    /// <summary>A backup: change tracking starts anew from it.</summary>
    Regular,
    /// <summary>The state before a restore: change tracking is left as it is, because the disks are about to change.</summary>
    Common,
}

/// <summary>How to take a recovery point.</summary>
/// <param name="Kind">What for.</param>
public sealed record TakeOptions(TakeKind Kind)
{
    /// <summary>When retention removes it; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The backup job that asked for it; null when there was none.</summary>
    public Guid? JobId { get; init; }

    /// <summary>Whether to ask a guest agent to freeze the file systems for the moment of the point.</summary>
    public bool Freeze { get; init; } = true;

    /// <summary>Whether to read everything although changes were tracked.</summary>
    public bool Full { get; init; }
}

/// <summary>A recovery point just taken; its operation's result.</summary>
/// <param name="RecoveryPointId">The point.</param>
/// <param name="RepositoryId">The repository as the console knows it.</param>
/// <param name="VmId">The VM.</param>
/// <param name="Kind">Full, or incremental when at least one disk was read by its changes.</param>
/// <param name="Consistency">What the state can be trusted for.</param>
/// <param name="ReadBytes">Bytes read from the VM's disks.</param>
/// <param name="StoredBytes">Bytes that the repository grew by.</param>
/// <param name="LogicalBytes">Sizes of all disks.</param>
/// <param name="Seconds">From start to commit.</param>
/// <param name="Notes">Sentences for people, such as why a disk was read whole.</param>
public sealed record PointTaken(
    Guid RecoveryPointId, Guid RepositoryId, Guid VmId, PointKind Kind, PointConsistency Consistency, long ReadBytes, long StoredBytes, long LogicalBytes, double Seconds, IReadOnlyList<string> Notes)
{
    /// <summary>The disks with their roots, as in the point's manifest.</summary>
    public IReadOnlyList<PointDisk> Disks { get; init; } = [];
}

/// <summary>Takes recovery points of VMs, running or off.</summary>
public sealed class PointTaker
{
    internal PointTaker() { }

    /// <summary>Takes a point of all disks at one instant and commits it to the repository.</summary>
    /// <param name="vm">Where the VM is.</param>
    /// <param name="repositoryId">The repository as the console knows it.</param>
    /// <param name="repository">An open session of it.</param>
    /// <param name="options">How.</param>
    /// <param name="operation">The operation it belongs to: told progress in bytes, log and warnings. Its handler must pass the notes of kind <c>backup.*</c> to <see cref="CleanUpAsync"/> when it undoes.</param>
    /// <param name="cancellation">Gives up and leaves nothing behind.</param>
    /// <exception cref="Quarterdeck.Platform.ProblemException">It cannot be done; says why and what would help.</exception>
    /// <exception cref="TransientException">The host or the repository is away.</exception>
    public Task<PointTaken> TakeAsync(LocatedVm vm, Guid repositoryId, Repository repository, TakeOptions options, IOperationContext operation, CancellationToken cancellation) =>
        throw new NotSupportedException();

    /// <summary>Removes what a capture that was cut off may have left on the host: its job, its sockets, its half-made checkpoint.</summary>
    public Task CleanUpAsync(LocatedVm vm, IReadOnlyList<Note> notes, CancellationToken cancellation) => throw new NotSupportedException();
}
