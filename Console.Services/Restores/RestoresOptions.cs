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

    /// <summary>MiB of memory of the VM that reads files of a recovery point.</summary>
    public int FileVmMemoryMiB { get; set; } = 256;

    /// <summary>Recovery points whose files are read at the same time; the one unused longest makes room for the next.</summary>
    public int FileVms { get; set; } = 4;

    /// <summary>Seconds after which the VM of a recovery point that nobody looks at is ended.</summary>
    public int FileIdleSeconds { get; set; } = 300;

    /// <summary>Entries of a folder that are listed at most; there is the search for larger ones.</summary>
    public int FileListLimit { get; set; } = 20_000;

    /// <summary>Entries that an archive of a folder has at most.</summary>
    public int FileArchiveEntries { get; set; } = 1_000_000;
}
