namespace Quarterdeck.Backups.Nbd;

/// <summary>What the handshake agreed on.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Flags">Transmission flags, <see cref="NbdFlags"/>.</param>
/// <param name="Contexts">The contexts agreed to, with the number that replies name them by.</param>
internal sealed record NbdExport(long Size, ushort Flags, IReadOnlyDictionary<string, uint> Contexts)
{
    /// <summary>Bytes to ask the status of at once: below 4 GiB, a multiple of every block size.</summary>
    public const long MostStatus = 0xFFFF_0000 & ~0xFF_FFFFL;

    /// <summary>Whether a flag is set.</summary>
    public bool Has(ushort flag) => (Flags & flag) != 0;
}

/// <summary>Flags of the export, and of requests.</summary>
internal static class NbdFlags
{
    public const ushort ReadOnly = 1 << 1, Flush = 1 << 2, Trim = 1 << 5, WriteZeroes = 1 << 6;

    /// <summary>Of a request to write zeroes: keep the room.</summary>
    public const ushort NoHole = 1 << 1;
}

/// <summary>Requests, as the protocol numbers them.</summary>
internal enum NbdCommand : ushort { Read = 0, Write = 1, Disconnect = 2, Flush = 3, Trim = 4, WriteZeroes = 6, BlockStatus = 7 }

/// <summary>A request in flight.</summary>
internal sealed class NbdRequest(NbdCommand command, long offset, uint length)
{
    private readonly TaskCompletionSource _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public NbdCommand Command => command;

    public long Offset => offset;

    public uint Length => length;

    public ushort Flags { get; init; }

    /// <summary>Where a read's data goes.</summary>
    public Memory<byte> Buffer { get; init; }

    /// <summary>The context whose status is asked for.</summary>
    public uint Context { get; init; }

    /// <summary>What the server told about the context, from the request's offset on.</summary>
    public List<(long Length, uint Flags)> Extents { get; } = [];

    /// <summary>Bytes of the buffer that were filled.</summary>
    public long Received { get; set; }

    /// <summary>The first refusal among the reply's parts.</summary>
    public NbdException? Refusal { get; set; }

    public Task Outcome => _outcome.Task;

    /// <summary>The reply is complete.</summary>
    public void Complete()
    {
        if (Refusal is { } refusal) _outcome.TrySetException(refusal);
        else if (command == NbdCommand.Read && Received != length) _outcome.TrySetException(new NbdException($"The disk server sent {Received} of {length} bytes.", 5));
        else _outcome.TrySetResult();
    }

    /// <summary>No reply will come.</summary>
    public void Fail(Exception reason) => _outcome.TrySetException(reason);
}
