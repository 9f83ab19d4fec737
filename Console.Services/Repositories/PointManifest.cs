namespace Quarterdeck.Repositories;

/// <summary>How a point was taken; every point is complete whatever it says here.</summary>
public enum PointKind
{
    /// <summary>Everything was read.</summary>
    Full,
    /// <summary>Only what changed since the parent was read.</summary>
    Incremental,
}

/// <summary>What the state can be trusted for.</summary>
public enum PointConsistency
{
    /// <summary>As after a power cut.</summary>
    Crash,
    /// <summary>The guest's file systems were frozen, or the VM was off.</summary>
    Filesystem,
    /// <summary>The applications prepared for it, too.</summary>
    Application,
}

/// <summary>One disk of a point.</summary>
/// <param name="Target">Its name in the VM, such as <c>vda</c>.</param>
/// <param name="Path">Where it was on the host.</param>
/// <param name="Format"><c>qcow2</c> or <c>raw</c>.</param>
/// <param name="SizeBytes">What the guest sees.</param>
/// <param name="Root">Its content.</param>
public sealed record PointDisk(string Target, string Path, string Format, long SizeBytes, RootHash Root)
{
    /// <summary>Bytes read from the VM.</summary>
    public long ReadBytes { get; init; }

    /// <summary>Whether only changes were read.</summary>
    public bool Incremental { get; init; }
}

/// <summary>A small file that belongs to a point, such as NVRAM or TPM state.</summary>
/// <param name="Name">What it is, such as <c>nvram</c>.</param>
/// <param name="SizeBytes">Its length.</param>
/// <param name="Root">Its content, stored like a small disk.</param>
public sealed record PointFile(string Name, long SizeBytes, RootHash Root);

/// <summary>What making a point cost.</summary>
/// <param name="LogicalBytes">Sizes of all disks.</param>
/// <param name="ReadBytes">Bytes read from the VM.</param>
/// <param name="StoredBytes">Bytes that the repository grew by.</param>
/// <param name="Chunks">Chunks looked at.</param>
/// <param name="NewChunks">Chunks that the repository did not have.</param>
/// <param name="Seconds">From start to commit.</param>
public sealed record PointCounters(long LogicalBytes, long ReadBytes, long StoredBytes, long Chunks, long NewChunks, double Seconds);

/// <summary>What may change about a point after it was made.</summary>
public sealed record PointLabels
{
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
}

/// <summary>One complete, restorable state of a VM, as the repository keeps it. It alone is enough to restore from.</summary>
public sealed record PointManifest
{
    /// <summary>UUIDv7.</summary>
    public required Guid Id { get; init; }

    /// <summary>The VM as its console knew it.</summary>
    public required Guid VmId { get; init; }

    /// <summary>Its name then.</summary>
    public required string VmName { get; init; }

    /// <summary>The host's name then.</summary>
    public required string HostName { get; init; }

    /// <summary>The instant that the disks are of.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The point whose changes it was read from; null for a full one. That one may be gone.</summary>
    public Guid? ParentId { get; init; }

    /// <summary>The backup job; null when there was none.</summary>
    public Guid? JobId { get; init; }

    /// <summary>How it was taken.</summary>
    public required PointKind Kind { get; init; }

    /// <summary>What it can be trusted for.</summary>
    public required PointConsistency Consistency { get; init; }

    /// <summary>The definition as libvirt gave it, inactive and with secrets.</summary>
    public required string DomainXml { get; init; }

    /// <summary>Whether the VM ran.</summary>
    public bool WasRunning { get; init; }

    /// <summary>All disks.</summary>
    public required IReadOnlyList<PointDisk> Disks { get; init; }

    /// <summary>NVRAM, TPM state and the like.</summary>
    public IReadOnlyList<PointFile> Files { get; init; } = [];

    /// <summary>What making it cost.</summary>
    public required PointCounters Counters { get; init; }

    /// <summary>Sentences for the person who looks at it, such as why everything was read.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>What other rooms keep with it; keys are <c>room.name</c>.</summary>
    public IReadOnlyDictionary<string, string> Extra { get; init; } = new Dictionary<string, string>();

    /// <summary>What may change; kept beside the point, whose own bytes never change.</summary>
    public PointLabels Labels { get; init; } = new();
}
