namespace Quarterdeck.Repositories;

/// <summary>The chunks of a disk in a repository, as a hash tree whose nodes are read when needed.</summary>
public sealed class DiskIndex
{
    /// <summary>Its top.</summary>
    public RootHash Root => throw new NotSupportedException();

    /// <summary>The disk's size.</summary>
    public long SizeBytes => throw new NotSupportedException();

    /// <summary>How many chunks it has, zeros included.</summary>
    public long Chunks => throw new NotSupportedException();

    /// <summary>Reads ids from <paramref name="first"/> on; beyond the end they are zero.</summary>
    public Task ReadAsync(long first, Memory<ChunkId> into, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>All chunks that are not zero, in order; skips empty parts without reading.</summary>
    public IAsyncEnumerable<(long Chunk, ChunkId Id)> DataAsync(CancellationToken cancellation) => throw new NotSupportedException();
}

/// <summary>Makes the index of a disk. Chunks may be set in any order and from any thread; setting one again replaces it.</summary>
public sealed class DiskIndexWriter
{
    /// <summary>Says what a chunk is; its content need not be stored yet, but before the point is committed.</summary>
    public void Set(long chunk, ChunkId id) => throw new NotSupportedException();

    /// <summary>Stores the changed nodes. Nothing may be set afterwards.</summary>
    public Task<RootHash> CompleteAsync(CancellationToken cancellation) => throw new NotSupportedException();
}
