using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Sessions;

namespace Quarterdeck.Repositories.Chunks;

/// <summary>Reads a repository's indexes: small ones into memory, large ones as mapped files of a cache folder on this machine.</summary>
/// <remarks>What is mapped is always a copy in the console's own folder: a repository's disk that goes away must not take the process with it.</remarks>
internal sealed class IndexShelf(RepositoryFiles files, string? cacheFolder)
{
    private const int MapFrom = 1 << 20, Tries = 5;

    /// <summary>Indexes that could not be read, by id; a verification rebuilds them from the packs.</summary>
    public IReadOnlyList<Guid> Unreadable { get; private set; } = [];

    /// <summary>Condemnations that could not be read: which packs they name is not known.</summary>
    public IReadOnlyList<Guid> UnreadableCondemnations { get; private set; } = [];

    /// <summary>Loads the table. The caller's session, if it writes, is open already.</summary>
    public async Task<ChunkTable> LoadAsync(CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            // In this order: a session sees every condemnation made before it, and every pack that an index names was there before the index.
            var condemned = await CondemnedAsync(cancellation);
            var ids = await files.IdsAsync(Names.Indexes, cancellation);
            var (indexes, unreadable, vanished) = (new List<IndexFile>(), new List<Guid>(), false);
            foreach (var id in ids.Order())
            {
                var bytes = await BytesOrPathAsync(id, cancellation);
                if (bytes is (null, null)) vanished = true;
                else if (Open(id, bytes.Bytes, bytes.Path) is { } index) indexes.Add(index);
                else unreadable.Add(id);
            }
            // An index that vanished meanwhile was replaced by one with the same packs.
            if (vanished && attempt < Tries) continue;
            Unreadable = unreadable;
            var present = new Dictionary<Guid, long>();
            await foreach (var pack in files.Store.ListAsync(Names.Packs, cancellation))
                if (Names.IdOf(pack.Name) is { } id) present[id] = pack.Size;
            Forget(ids);
            return new ChunkTable(indexes, present, condemned, await DamagedAsync(cancellation));
        }
    }

    private async Task<HashSet<Guid>> CondemnedAsync(CancellationToken cancellation)
    {
        var (packs, unreadable) = (new HashSet<Guid>(), new List<Guid>());
        foreach (var id in await files.IdsAsync(Names.Condemned, cancellation))
        {
            try
            {
                if (await files.ReadAsync<Condemnation>(Names.Condemnation(id), cancellation) is { } condemnation) packs.UnionWith(condemnation.Packs);
            }
            catch (RepositoryException e) when (e.Fault is RepositoryFault.Damaged) { unreadable.Add(id); }
        }
        UnreadableCondemnations = unreadable;
        return packs;
    }

    private async Task<HashSet<ChunkPlace>> DamagedAsync(CancellationToken cancellation)
    {
        var places = new HashSet<ChunkPlace>();
        foreach (var id in await files.IdsAsync(Names.Damage, cancellation))
        {
            try
            {
                if (await files.ReadAsync<DamageReport>(Names.DamageReport(id), cancellation) is { } report) places.UnionWith(report.Places);
            }
            // A report that is damaged itself: the records it named are found again when they are read.
            catch (RepositoryException e) when (e.Fault is RepositoryFault.Damaged) { }
        }
        return places;
    }

    /// <summary>Takes an index that was just written.</summary>
    public IndexFile? Take(Guid id, byte[] bytes)
    {
        if (bytes.Length < MapFrom || cacheFolder is null) return Open(id, bytes, null);
        return Open(id, null, Keep(id, bytes));
    }

    private async Task<(byte[]? Bytes, string? Path)> BytesOrPathAsync(Guid id, CancellationToken cancellation)
    {
        if (cacheFolder is not null && Path.Combine(cacheFolder, id.ToString("N")) is var cached && File.Exists(cached)) return (null, cached);
        var bytes = await files.Store.ReadAsync(Names.Index(id), cancellation);
        return bytes is null ? (null, null) : bytes.Length < MapFrom || cacheFolder is null ? (bytes, null) : (null, Keep(id, bytes));
    }

    private string Keep(Guid id, byte[] bytes)
    {
        Directory.CreateDirectory(cacheFolder!);
        var path = Path.Combine(cacheFolder!, id.ToString("N"));
        var aside = $"{path}.{Guid.NewGuid():N}";
        File.WriteAllBytes(aside, bytes);
        File.Move(aside, path, overwrite: true);
        return path;
    }

    private IndexFile? Open(Guid id, byte[]? bytes, string? path)
    {
        if (bytes is not null) return IndexFile.Open(id, bytes, files.Config.Id, files.Seal);
        if (IndexFile.Map(id, path!, files.Config.Id, files.Seal) is { } index) return index;
        // A damaged copy here says nothing about the index itself: the next load takes it anew.
        File.Delete(path!);
        return null;
    }

    /// <summary>Removes cached copies of indexes that are gone.</summary>
    private void Forget(IReadOnlyList<Guid> ids)
    {
        if (cacheFolder is null || !Directory.Exists(cacheFolder)) return;
        var known = ids.Select(id => id.ToString("N")).ToHashSet();
        foreach (var path in Directory.EnumerateFiles(cacheFolder))
            if (!known.Contains(Path.GetFileName(path)) && File.GetLastWriteTimeUtc(path) < DateTime.UtcNow.AddHours(-1)) File.Delete(path);
    }
}
