using Quarterdeck.Repositories.Trees;

namespace Quarterdeck.Repositories;

/// <summary>Makes the index of a disk. Chunks may be set in any order and from any thread; setting one again replaces it.</summary>
public sealed class DiskIndexWriter
{
    // 16 MiB of leaves; those that were touched first are stored while others fill.
    private const int LeavesInMemory = 2048;
    private readonly Repository _repository;
    private readonly DiskIndex? _parent;
    private readonly long _chunks;
    private readonly Lock _gate = new();
    private readonly Dictionary<long, Leaf> _leaves = [];
    private readonly Queue<long> _order = [];
    private readonly Dictionary<long, Task<ChunkId>> _stored = [];
    private bool _complete;

    internal DiskIndexWriter(Repository repository, long sizeBytes, DiskIndex? parent)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeBytes, TreeShape.MaxSize);
        (_repository, SizeBytes, _chunks, _parent) = (repository, sizeBytes, TreeShape.Chunks(sizeBytes), parent);
    }

    /// <summary>The disk's size.</summary>
    public long SizeBytes { get; }

    /// <summary>Says what a chunk is; its content need not be stored yet, but before the point is committed.</summary>
    public void Set(long chunk, ChunkId id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(chunk);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(chunk, _chunks);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_complete, this);
            var (index, within) = Math.DivRem(chunk, TreeShape.FanOut);
            if (!_leaves.TryGetValue(index, out var leaf))
            {
                _leaves.Add(index, leaf = new Leaf());
                // One that comes back after it was stored waits for the end: only then can what was stored be read.
                if (!_stored.ContainsKey(index)) _order.Enqueue(index);
                if (_leaves.Count > LeavesInMemory && _order.Count > 1) Spill(_order.Dequeue());
            }
            leaf.Set((int)within, id);
        }
    }

    private void Spill(long index)
    {
        if (!_leaves.Remove(index, out var leaf)) return;
        _stored.Add(index, Task.Run(async () => await StoreAsync(leaf, await ParentAsync(0, index, CancellationToken.None), CancellationToken.None)));
    }

    /// <summary>Stores the changed nodes. Nothing may be set afterwards.</summary>
    /// <returns>The root: equal content of equal size has equal roots, however it was made.</returns>
    /// <exception cref="RepositoryException">A node could not be stored, or one of the parent's not be read.</exception>
    public async Task<RootHash> CompleteAsync(CancellationToken cancellation)
    {
        lock (_gate) _complete = true;
        var changed = new SortedDictionary<long, ChunkId>();
        foreach (var (index, task) in _stored) changed[index] = await task;
        if (_leaves.Keys.Any(_stored.ContainsKey)) await _repository.FlushAsync(cancellation);
        foreach (var (index, leaf) in _leaves)
            changed[index] = await StoreAsync(leaf, changed.TryGetValue(index, out var stored) ? stored : await ParentAsync(0, index, cancellation), cancellation);
        await FitAsync(changed, cancellation);
        if (changed.Count == 0) return _parent?.Root ?? default;
        for (var level = 1; level <= TreeShape.Top(_chunks); level++) changed = await RaiseAsync(level, changed, cancellation);
        return new RootHash(changed.TryGetValue(0, out var top) ? top : default);
    }

    /// <summary>Where the parent's size is another one, the paths to both ends are made anew, so that the tree gets the height and the end that the new size asks for.</summary>
    private async Task FitAsync(SortedDictionary<long, ChunkId> changed, CancellationToken cancellation)
    {
        if (_parent is null || _parent.Chunks == _chunks || _chunks == 0) return;
        var last = (_chunks - 1) / TreeShape.FanOut;
        foreach (var index in new[] { 0, last })
        {
            var id = changed.TryGetValue(index, out var known) ? known : await ParentAsync(0, index, cancellation);
            if (index == last && !id.IsZero && _chunks < _parent.Chunks && _chunks % TreeShape.FanOut is var used and > 0)
            {
                if (changed.ContainsKey(index)) await _repository.FlushAsync(cancellation);
                var ids = (ChunkId[])(await _repository.NodeAsync(id, cancellation)).Clone();
                ids.AsSpan((int)used).Clear();
                id = await _repository.PutNodeAsync(ids, cancellation);
            }
            changed[index] = id;
        }
    }

    private async Task<SortedDictionary<long, ChunkId>> RaiseAsync(int level, SortedDictionary<long, ChunkId> below, CancellationToken cancellation)
    {
        var raised = new SortedDictionary<long, ChunkId>();
        foreach (var group in below.GroupBy(node => node.Key / TreeShape.FanOut))
        {
            var children = await ParentChildrenAsync(level, group.Key, cancellation);
            foreach (var (index, id) in group) children[index % TreeShape.FanOut] = id;
            raised[group.Key] = await _repository.PutNodeAsync(children, cancellation);
        }
        return raised;
    }

    private async Task<ChunkId[]> ParentChildrenAsync(int level, long index, CancellationToken cancellation)
    {
        var children = new ChunkId[TreeShape.FanOut];
        if (_parent is null) return children;
        if (level == _parent.Top + 1 && index == 0) children[0] = _parent.Root.Top;
        else if (await ParentAsync(level, index, cancellation) is { IsZero: false } id) (await _repository.NodeAsync(id, cancellation)).CopyTo(children, 0);
        // A shrunk disk: what lies wholly beyond its end goes.
        var end = (_chunks + TreeShape.Span(level - 1) - 1) / TreeShape.Span(level - 1) - index * TreeShape.FanOut;
        if (end < TreeShape.FanOut) children.AsSpan((int)Math.Max(0, end)).Clear();
        return children;
    }

    private Task<ChunkId> ParentAsync(int level, long index, CancellationToken cancellation) => _parent is null ? Task.FromResult(ChunkId.Zero) : _parent.NodeIdAsync(level, index, cancellation);

    private async Task<ChunkId> StoreAsync(Leaf leaf, ChunkId below, CancellationToken cancellation)
    {
        var ids = below.IsZero || leaf.IsWhole ? new ChunkId[TreeShape.FanOut] : (ChunkId[])(await _repository.NodeAsync(below, cancellation)).Clone();
        leaf.CopyTo(ids);
        return await _repository.PutNodeAsync(ids, cancellation);
    }

    /// <summary>256 ids, some of them set.</summary>
    private sealed class Leaf
    {
        private readonly ChunkId[] _ids = new ChunkId[TreeShape.FanOut];
        private readonly bool[] _set = new bool[TreeShape.FanOut];
        private int _count;

        public bool IsWhole => _count == TreeShape.FanOut;

        public void Set(int index, ChunkId id)
        {
            if (!_set[index]) _count++;
            (_set[index], _ids[index]) = (true, id);
        }

        public void CopyTo(ChunkId[] ids)
        {
            for (var i = 0; i < ids.Length; i++)
                if (_set[i]) ids[i] = _ids[i];
        }
    }
}
