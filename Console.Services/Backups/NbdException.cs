namespace Quarterdeck.Backups;

/// <summary>A disk server refused a request, broke the protocol, or went away.</summary>
/// <param name="message">What happened, in words.</param>
/// <param name="code">The server's error number (as Linux numbers errors) when it refused a request; 0 when the connection itself broke.</param>
/// <param name="inner">What was thrown below.</param>
public sealed class NbdException(string message, uint code = 0, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>The server's error number, such as 28 for no room; 0 when the connection itself broke.</summary>
    public uint Code => code;

    /// <summary>Whether the connection is unusable from now on.</summary>
    public bool Broken => code == 0;
}

/// <summary>A piece of an export with one status.</summary>
/// <param name="Offset">Where it begins, in bytes.</param>
/// <param name="Length">How long it is, in bytes; above 0.</param>
/// <param name="Flags">What the context says: <c>base:allocation</c> has 1 for a hole and 2 for zeroes, <c>qemu:dirty-bitmap:…</c> has 1 for changed.</param>
public readonly record struct NbdExtent(long Offset, long Length, uint Flags)
{
    /// <summary>The first byte after it.</summary>
    public long End => Offset + Length;
}
