using System.Runtime.CompilerServices;
using Quarterdeck.Repositories.Trees;

namespace Quarterdeck.Repositories;

/// <summary>The chunks of a disk in a repository, as a hash tree whose nodes are read when needed.</summary>
public sealed class DiskIndex
{
    private const int Ahead = 32;
    private readonly Repository _repository;

    internal DiskIndex(Repository repository, RootHash root, long sizeBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeBytes, TreeShape.MaxSize);
        (_repository, Root, SizeBytes, Chunks) = (repository, root, sizeBytes, TreeShape.Chunks(sizeBytes));
        Top = TreeShape.Top(Chunks);
    }

    /// <summary>Its top.</summary>
    public RootHash Root { get; }

    /// <summary>The disk's size.</summary>
    public long SizeBytes { get; }

    /// <summary>How many chunks it has, zeros included.</summary>
    public long Chunks { get; }

    /// <summary>Level of its top node.</summary>
    internal int Top { get; }

    /// <summary>Reads ids from <paramref name="first"/> on; beyond the end they are zero.</summary>
    /// <exception cref="RepositoryException">A node is missing or damaged, or the repository is away.</exception>
    public async Task ReadAsync(long first, Memory<ChunkId> into, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        for (var done = 0; done < into.Length;)
        {
            var (leaf, within) = Math.DivRem(first + done, TreeShape.FanOut);
            var count = (int)Math.Min(into.Length - done, TreeShape.FanOut - within);
            var id = await NodeIdAsync(0, leaf, cancellation);
            if (id.IsZero) into.Span.Slice(done, count).Clear();
            else (await NodeAsync(id, cancellation)).AsSpan((int)within, count).CopyTo(into.Span[done..]);
            done += count;
        }
    }

    /// <summary>All chunks that are not zero, in order; skips empty parts without reading.</summary>
    /// <exception cref="RepositoryException">A node is missing or damaged, or the repository is away.</exception>
    public IAsyncEnumerable<(long Chunk, ChunkId Id)> DataAsync(CancellationToken cancellation) => WalkAsync(Top, 0, Root.Top, cancellation);

    private async IAsyncEnumerable<(long Chunk, ChunkId Id)> WalkAsync(int level, long first, ChunkId node, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (node.IsZero) yield break;
        var ids = await NodeAsync(node, cancellation);
        for (var i = 0; i < ids.Length; i++)
        {
            if (level == 1 && i % Ahead == 0) await PrefetchAsync(ids.AsMemory(i, Math.Min(Ahead, ids.Length - i)), cancellation);
            if (ids[i].IsZero) continue;
            if (level == 0) yield return (first + i, ids[i]);
            else await foreach (var chunk in WalkAsync(level - 1, first + i * TreeShape.Span(level - 1), ids[i], cancellation)) yield return chunk;
        }
    }

    // Leaves are asked for together: one after the other, a bucket's delay would count for each 16 MiB of disk.
    private async Task PrefetchAsync(ReadOnlyMemory<ChunkId> leaves, CancellationToken cancellation)
    {
        try
        {
            await Parallel.ForEachAsync(leaves.ToArray().Where(id => !id.IsZero), new ParallelOptions { MaxDegreeOfParallelism = Ahead, CancellationToken = cancellation }, async (id, c) => await NodeAsync(id, c));
        }
        catch (RepositoryException) { /* told by the walk, when it comes to it */ }
    }

    /// <summary>The id of a node by its place; zero beyond the end. Above the own top only the first node is asked for, and that has no id.</summary>
    internal async Task<ChunkId> NodeIdAsync(int level, long index, CancellationToken cancellation)
    {
        if (level > Top || index * TreeShape.Span(level) >= Chunks) return ChunkId.Zero;
        var id = Root.Top;
        for (var at = Top; at > level && !id.IsZero; at--) id = (await NodeAsync(id, cancellation))[index >> 8 * (at - 1 - level) & 255];
        return id;
    }

    internal Task<ChunkId[]> NodeAsync(ChunkId id, CancellationToken cancellation) => _repository.NodeAsync(id, cancellation);
}
