namespace Quarterdeck.Restores.Instant;

/// <summary>How far one disk of a VM that runs from a recovery point is; for <see cref="InstantPull"/> alone.</summary>
internal sealed class PulledDisk(InstantDisk disk, PointExport export)
{
    public InstantDisk Disk => disk;

    public PointExport Export => export;

    /// <summary>Whether it needs the repository no more.</summary>
    public bool IsWhole { get; set; }

    /// <summary>Whether QEMU's connection is known to be gone.</summary>
    public bool IsBroken { get; set; }

    /// <summary>How often in a row the job stood still.</summary>
    public int Failures { get; set; }

    /// <summary>How often in a row nothing had moved although the job ran.</summary>
    public int Looks { get; set; }

    /// <summary>Bytes moved.</summary>
    public long Done { get; set; }

    /// <summary>What cannot be read for good, in words; null while nothing stands in the way.</summary>
    public string? Damage { get; set; }

    /// <summary>What of that people were told.</summary>
    public string? Told { get; set; }

    /// <summary>When damaged data was last asked for again.</summary>
    public long? AskedAt { get; set; }
}
