using Quarterdeck.Repositories.Packs;

namespace Quarterdeck.Repositories.Chunks;

/// <summary>Where a chunk is.</summary>
internal readonly record struct ChunkPlace(Guid Pack, RecordPlace Place);

/// <summary>All indexes as a session sees them: which chunks there are, and which of them may be relied on.</summary>
/// <param name="files">The indexes.</param>
/// <param name="present">Packs that exist, with their sizes: an index may name one that was lost.</param>
/// <param name="condemned">Packs that are about to be removed: readable, and not to be relied on.</param>
/// <param name="damaged">Records that verification found damaged.</param>
internal sealed class ChunkTable(IReadOnlyList<IndexFile> files, IReadOnlyDictionary<Guid, long> present, IReadOnlySet<Guid> condemned, IReadOnlySet<ChunkPlace> damaged)
{
    private readonly IReadOnlyList<(IndexFile File, bool[] Present, bool[] Reliable)> _files =
        [.. files.Select(file => (file, Flags(file, pack => IsWhole(present, pack)), Flags(file, pack => IsWhole(present, pack) && !condemned.Contains(pack.Id))))];

    public IReadOnlyList<IndexFile> Files => files;

    public IReadOnlyDictionary<Guid, long> Present => present;

    public IReadOnlySet<Guid> Condemned => condemned;

    public IReadOnlySet<ChunkPlace> Damaged => damaged;

    private static bool IsWhole(IReadOnlyDictionary<Guid, long> present, IndexedPack pack) => present.TryGetValue(pack.Id, out var size) && size == pack.Size;

    private static bool[] Flags(IndexFile file, Func<IndexedPack, bool> test) => [.. file.Packs.Select(test)];

    /// <summary>This table with one more index, whose packs the caller has just written, in place of those that were merged into it.</summary>
    public ChunkTable With(IndexFile file, IReadOnlyCollection<IndexFile> merged)
    {
        var packs = new Dictionary<Guid, long>(present);
        foreach (var pack in file.Packs) packs[pack.Id] = pack.Size;
        return new ChunkTable([.. files.Except(merged), file], packs, condemned, damaged);
    }

    /// <summary>This table with more packs that are about to be removed.</summary>
    public ChunkTable Condemning(IReadOnlySet<Guid> more) => new(files, present, condemned.Union(more).ToHashSet(), damaged);

    /// <summary>This table without a record that was found damaged.</summary>
    public ChunkTable Without(ChunkPlace place) => new(files, present, condemned, new HashSet<ChunkPlace>(damaged) { place });

    /// <summary>Finds a sound copy of a chunk, preferring one that will stay.</summary>
    /// <param name="id">The chunk.</param>
    /// <param name="toRelyOn">Whether a new point shall rely on it: then only copies that stay count.</param>
    public ChunkPlace? Find(ChunkId id, bool toRelyOn) => FindEntry(id, toRelyOn) is { } at ? PlaceOf(at) : null;

    /// <summary>The same, as the place of its entry.</summary>
    public EntryAt? FindEntry(ChunkId id, bool toRelyOn)
    {
        EntryAt? leaving = null;
        for (var f = 0; f < _files.Count; f++)
        {
            var (file, whole, reliable) = _files[f];
            for (var i = file.LowerBound(id); i < file.Count && file.IdAt(i) == id; i++)
            {
                var (pack, place) = file.PlaceAt(i);
                if (pack >= whole.Length || !whole[pack]) continue;
                if (damaged.Count > 0 && damaged.Contains(new ChunkPlace(file.Packs[pack].Id, place))) continue;
                if (reliable[pack]) return new EntryAt(f, i);
                leaving = new EntryAt(f, i);
            }
        }
        return toRelyOn ? null : leaving;
    }

    /// <summary>Where an entry's record is.</summary>
    public ChunkPlace PlaceOf(EntryAt at)
    {
        var (pack, place) = files[at.File].PlaceAt(at.Entry);
        return new ChunkPlace(files[at.File].Packs[pack].Id, place);
    }
}

/// <summary>An entry's place among the indexes of a table.</summary>
internal readonly record struct EntryAt(int File, int Entry);
