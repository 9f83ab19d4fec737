using Quarterdeck.Repositories;

namespace Quarterdeck.Backups;

/// <summary>A recovery point as lists and pages show it; the repository holds the whole of it.</summary>
public sealed record RecoveryPoint
{
    /// <summary>UUIDv7.</summary>
    public required Guid Id { get; init; }

    /// <summary>The VM it is of; that may be gone.</summary>
    public required Guid VmId { get; init; }

    /// <summary>The VM's name when it was taken.</summary>
    public required string VmName { get; init; }

    /// <summary>The host's name when it was taken.</summary>
    public required string HostName { get; init; }

    /// <summary>Whether the console has that VM now.</summary>
    public bool VmExists { get; init; }

    /// <summary>The repository, as the console knows it.</summary>
    public required Guid RepositoryId { get; init; }

    /// <summary>That repository's name.</summary>
    public required string RepositoryName { get; init; }

    /// <summary>The instant that the disks are of.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>How it was taken; every point is complete.</summary>
    public required PointKind Kind { get; init; }

    /// <summary>What the state can be trusted for.</summary>
    public required PointConsistency Consistency { get; init; }

    /// <summary>The point whose changes it was read from; null for a full one.</summary>
    public Guid? ParentId { get; init; }

    /// <summary>The backup job that made it; null when there was none.</summary>
    public Guid? JobId { get; init; }

    /// <summary>Sizes of all disks.</summary>
    public required long LogicalBytes { get; init; }

    /// <summary>Bytes read from the VM.</summary>
    public required long ReadBytes { get; init; }

    /// <summary>Bytes that the repository grew by.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>From start to commit.</summary>
    public required double Seconds { get; init; }

    /// <summary>Made automatically before a restore, to undo it with.</summary>
    public bool Common { get; init; }

    /// <summary>Retention never removes it.</summary>
    public bool Pinned { get; init; }

    /// <summary>When retention removes it whatever the job says; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When all its chunks were last read and found good; null before.</summary>
    public DateTimeOffset? VerifiedAt { get; init; }

    /// <summary>What the last verification found missing or damaged; null when nothing.</summary>
    public string? Damage { get; init; }

    /// <summary>Sentences for the person who looks at it, such as why everything was read.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>Which points a list shows; null does not filter.</summary>
/// <param name="VmId">Of this VM.</param>
/// <param name="RepositoryId">In this repository.</param>
/// <param name="Common">Only those made before restores, or none of them.</param>
/// <param name="Damaged">Only those that the last verification found damaged, or none of them.</param>
public sealed record RecoveryPointQuery(Guid? VmId = null, Guid? RepositoryId = null, bool? Common = null, bool? Damaged = null);
