namespace Quarterdeck.Restores;

/// <summary>Settings under <c>Quarterdeck:Restores</c>.</summary>
public sealed class RestoresOptions
{
    /// <summary>Seconds that a guest has to shut down before its power is cut, unless the restore says otherwise.</summary>
    public int ShutdownSeconds { get; set; } = 120;

    /// <summary>Days that the state before a restore is kept as a recovery point.</summary>
    public int CommonPointDays { get; set; } = 7;

    /// <summary>MiB of differing chunks that are held in memory between their check and their writing.</summary>
    public int MemoryMiB { get; set; } = 256;

    /// <summary>MiB written to a disk until it is flushed and the journal says so; a crash repeats at most this much.</summary>
    public int FlushMiB { get; set; } = 64;

    /// <summary>MiB of chunks that each exported disk keeps in memory.</summary>
    public int ExportCacheMiB { get; set; } = 32;

    /// <summary>Seconds that a read of an exported disk waits for a repository that is away, before it fails.</summary>
    public int ExportPatienceSeconds { get; set; } = 60;
}
