using System.Buffers;
using Quarterdeck.Repositories.Chunks;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Packs;
using Quarterdeck.Repositories.Trees;
using Quarterdeck.Repositories.Upkeep;

namespace Quarterdeck.Repositories;

public sealed partial class Repository
{
    /// <summary>Names and stores a chunk, on another thread. Many may be in flight.</summary>
    /// <param name="chunk">Its content; must stay as it is until this has ended.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Its id, and whether it was new.</returns>
    public Task<(ChunkId Id, bool Stored)> StoreAsync(ReadOnlyMemory<byte> chunk, CancellationToken cancellation) =>
        Task.Run(async () =>
        {
            var id = IdOf(chunk.Span);
            return (id, await PutAsync(id, chunk, RecordKind.Data));
        }, cancellation);

    /// <summary>Stores a chunk unless it is known. Many may be in flight; it is durable once <see cref="CommitPointAsync"/> or <see cref="FlushAsync"/> has returned.</summary>
    /// <param name="id">What <see cref="IdOf"/> says.</param>
    /// <param name="chunk">Its content; must stay as it is until this has ended.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Whether it was new.</returns>
    public Task<bool> PutAsync(ChunkId id, ReadOnlyMemory<byte> chunk, CancellationToken cancellation) => IsSettled(id) ? Task.FromResult(false) : Task.Run(() => PutAsync(id, chunk, RecordKind.Data), cancellation);

    private bool IsSettled(ChunkId id) => id.IsZero || _own.TryGetValue(id, out var own) && own.IsCompletedSuccessfully || _table.Find(id, toRelyOn: true) is not null;

    /// <summary>Whoever brings a known chunk that is still being placed waits for it: a commit must never overtake it.</summary>
    private async Task<bool> PutAsync(ChunkId id, ReadOnlyMemory<byte> content, RecordKind kind)
    {
        ThrowIfUnwritable();
        if (id.IsZero || _table.Find(id, toRelyOn: true) is not null) return false;
        var placed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_own.GetOrAdd(id, placed.Task) is var own && own != placed.Task)
        {
            await own;
            return false;
        }
        try
        {
            await (kind is RecordKind.Data ? _data : _nodes).AppendAsync(id, content, CancellationToken.None);
            _own[id] = Task.CompletedTask;
            placed.SetResult();
        }
        catch (Exception e)
        {
            // Others may have been told that this chunk is known: the session promises nothing more.
            _broken ??= e;
            placed.SetException(e);
            throw;
        }
        if (_data.Waiting >= PacksPerIndex) await IndexAsync(CancellationToken.None);
        return true;
    }

    /// <summary>Reads a chunk and checks it against its id. Many may be in flight.</summary>
    /// <param name="id">Which one; zeros are filled in without reading.</param>
    /// <param name="into">At least <see cref="ChunkSize"/> bytes.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="RepositoryException">It is missing or damaged, or the repository is away.</exception>
    public async Task ReadAsync(ChunkId id, Memory<byte> into, CancellationToken cancellation)
    {
        if (id.IsZero) { into.Span[..ChunkSize].Clear(); return; }
        if (await ReadRecordAsync(id, into[..ChunkSize], cancellation) != ChunkSize) throw Missing(id);
    }

    /// <summary>Reads chunks and checks them, without keeping them.</summary>
    /// <returns>Those that are missing or damaged.</returns>
    public async Task<IReadOnlyList<ChunkId>> CheckAsync(IReadOnlyCollection<ChunkId> ids, CancellationToken cancellation)
    {
        var bad = new List<ChunkId>();
        await Parallel.ForEachAsync(ids.Where(id => !id.IsZero).Distinct(), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellation }, async (id, c) =>
        {
            try { await ReadAsync(id, new byte[ChunkSize], c); }
            catch (RepositoryException e) when (e.Fault is RepositoryFault.Damaged) { lock (bad) bad.Add(id); }
        });
        return bad;
    }

    private static RepositoryException Missing(ChunkId id) =>
        new(RepositoryFault.Damaged, $"The chunk {id} is missing or damaged. Verify the repository: it says which points need it; the others are not touched. The next backup of the same data stores it again.");

    /// <summary>A record's content, from any sound copy; -1 when there is none.</summary>
    private async Task<int> ReadRecordAsync(ChunkId id, Memory<byte> into, CancellationToken cancellation)
    {
        if (_own.ContainsKey(id)) await FlushAsync(cancellation);
        for (var look = 1; ; look++)
        {
            var table = _table;
            while (table.Find(id, toRelyOn: false) is { } found)
            {
                if (await _reader.ReadAsync(found.Pack, new RecordEntry(id, found.Place), into, cancellation) is var read and >= 0) return read;
                table = table.Without(found);
                // From here on this session stores such content anew, too.
                lock (_swap) _table = _table.Without(found);
            }
            // Another session may have stored it after this one began; or the index that lists it is damaged, and its pack is not.
            if (look == 1) await RefreshAsync(cancellation);
            else if (look > 2 || !await HealIndexesAsync(cancellation)) return -1;
        }
    }

    /// <summary>Makes indexes that cannot be read anew from their packs, once a session.</summary>
    /// <returns>Whether it is worth looking again.</returns>
    private async Task<bool> HealIndexesAsync(CancellationToken cancellation)
    {
        await _healing.WaitAsync(cancellation);
        try
        {
            if (_healed) return true;
            if (_session is null || _indexes.Unreadable.Count == 0) return false;
            await IndexRepair.RebuildAsync(this, cancellation);
            return _healed = true;
        }
        finally { _healing.Release(); }
    }

    internal async Task RefreshAsync(CancellationToken cancellation)
    {
        await _indexing.WaitAsync(cancellation);
        try
        {
            var fresh = await _indexes.LoadAsync(cancellation);
            // One that this session has read once, and that is damaged by now, holds all the same.
            if (_indexes.UnreadableCondemnations.Count > 0) fresh = fresh.Condemning(_began.Condemned);
            lock (_swap) _table = _table.Damaged.Aggregate(fresh, (table, place) => table.Without(place));
        }
        finally { _indexing.Release(); }
    }

    /// <summary>Copies a record into a pack of this session, whether or not it is known: its own pack is about to go.</summary>
    /// <exception cref="RepositoryException">It is damaged, and no other copy is there.</exception>
    internal async Task MoveAsync(Guid pack, RecordEntry entry, CancellationToken cancellation)
    {
        ThrowIfUnwritable();
        var content = ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            var read = await _reader.ReadAsync(pack, entry, content.AsMemory(0, ChunkSize), cancellation);
            if (read < 0) throw Missing(entry.Id);
            await (entry.Place.Kind is RecordKind.Data ? _data : _nodes).AppendAsync(entry.Id, content.AsMemory(0, read), CancellationToken.None);
        }
        finally { ArrayPool<byte>.Shared.Return(content); }
    }

    internal async Task<ChunkId[]> NodeAsync(ChunkId id, CancellationToken cancellation)
    {
        if (_cache.TryGetValue(id, out var known)) return known;
        var bytes = new byte[ChunkSize];
        var read = await ReadRecordAsync(id, bytes, cancellation);
        if (read < 0 || TreeShape.Read(bytes.AsSpan(0, read)) is not { } node)
            throw new RepositoryException(RepositoryFault.Damaged, $"The index node {id} is missing or damaged. Verify the repository: it says which points need it; the others are not touched.");
        if (_cache.Count >= CachedNodes) _cache.Clear();
        return _cache.GetOrAdd(id, node);
    }

    internal async Task<ChunkId> PutNodeAsync(ChunkId[] ids, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var bytes = TreeShape.Write(ids);
        if (bytes.Length == 0) return ChunkId.Zero;
        var id = _files.Seal.IdOf(bytes.Span);
        await PutAsync(id, bytes, RecordKind.Node);
        return id;
    }

    private void ThrowIfUnwritable()
    {
        if (_unwritable is not null) throw new RepositoryException(_unwritable.Fault, _unwritable.Problem.Detail, _unwritable);
        if (_broken is RepositoryException fault) throw new RepositoryException(fault.Fault, fault.Problem.Detail, fault);
        if (_broken is not null) throw new RepositoryException(RepositoryFault.SessionLost, "A chunk could not be stored. Nothing is damaged; begin again.", _broken);
        _session!.ThrowIfLost();
    }

    /// <summary>Makes durable what was put so far, without a point; a later session need not send it again until the next collect.</summary>
    public async Task FlushAsync(CancellationToken cancellation)
    {
        ThrowIfUnwritable();
        await _data.FlushAsync(cancellation);
        await _nodes.FlushAsync(cancellation);
        await IndexAsync(cancellation);
    }

    /// <summary>Writes an index of the packs that are durable and have none.</summary>
    private async Task IndexAsync(CancellationToken cancellation)
    {
        await _indexing.WaitAsync(cancellation);
        try
        {
            FinishedPack[] packs = [.. _data.TakeFinished(), .. _nodes.TakeFinished()];
            if (packs.Length == 0) return;
            var builder = new IndexBuilder(Id, _files.Seal);
            foreach (var pack in packs) builder.Add(new IndexedPack(pack.Id, pack.Size), pack.Entries);
            var merged = Mergeable(builder.Count);
            foreach (var old in merged) builder.Add(old, _ => true);
            var id = Guid.NewGuid();
            var bytes = builder.Build();
            await _files.Store.WriteAsync(Names.Index(id), bytes, CancellationToken.None);
            var index = _indexes.Take(id, bytes) ?? throw new InvalidOperationException("An index that was just written does not open.");
            lock (_swap) _table = _table.With(index, merged);
            _ownIndexes.Add(index);
            _ownIndexes.RemoveAll(merged.Contains);
            foreach (var old in merged) await _files.Store.DeleteAsync(Names.Index(old.Id), CancellationToken.None);
            foreach (var entry in packs.SelectMany(pack => pack.Entries)) _own.TryRemove(entry.Id, out _);
        }
        catch (Exception e) { _broken ??= e; throw; }
        finally { _indexing.Release(); }
    }

    /// <summary>This session's own indexes grow together, so that a long backup leaves few. Nobody else removes their packs while it is open.</summary>
    private IndexFile[] Mergeable(int more)
    {
        if (_files.Config.AppendOnly || _ownIndexes.Count < IndexesToMerge) return [];
        var room = IndexBuilder.MaxEntries - more;
        return [.. _ownIndexes.OrderBy(index => index.Count).TakeWhile(index => (room -= index.Count) >= 0)];
    }
}
