namespace Quarterdeck.Repositories.Trees;

/// <summary>The shape of disk indexes: leaves of 256 chunk ids (16 MiB of disk), nodes of 256 children above.</summary>
internal static class TreeShape
{
    public const int FanOut = 256, NodeBytes = FanOut * ChunkId.Size;

    /// <summary>Largest disk: 64 PiB.</summary>
    public const long MaxSize = 1L << 56;

    public static long Chunks(long sizeBytes) => (sizeBytes + Repository.ChunkSize - 1) / Repository.ChunkSize;

    /// <summary>Level of the top node; leaves are level 0.</summary>
    public static int Top(long chunks)
    {
        var level = 0;
        while (Span(level) < chunks) level++;
        return level;
    }

    /// <summary>Chunks below a node of a level.</summary>
    public static long Span(int level) => 1L << 8 * (level + 1);

    /// <summary>A node's bytes: its ids in order, without the zeros at the end.</summary>
    public static ReadOnlyMemory<byte> Write(ReadOnlySpan<ChunkId> ids)
    {
        var count = ids.Length;
        while (count > 0 && ids[count - 1].IsZero) count--;
        var bytes = new byte[count * ChunkId.Size];
        for (var i = 0; i < count; i++) ids[i].CopyTo(bytes.AsSpan(i * ChunkId.Size));
        return bytes;
    }

    /// <summary>Reads a node; null when the bytes cannot be one.</summary>
    public static ChunkId[]? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length is 0 or > NodeBytes || bytes.Length % ChunkId.Size != 0) return null;
        var ids = new ChunkId[FanOut];
        for (var i = 0; i * ChunkId.Size < bytes.Length; i++) ids[i] = ChunkId.From(bytes[(i * ChunkId.Size)..]);
        return ids;
    }
}
