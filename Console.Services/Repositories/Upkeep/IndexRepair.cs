using Quarterdeck.Repositories.Chunks;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Packs;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>Makes indexes anew from the packs, and without packs that go.</summary>
internal static class IndexRepair
{
    /// <summary>Indexes packs that no index lists: of a console that was killed, put back from a copy, or listed by an index that is damaged. Replaces such indexes.</summary>
    /// <remarks>A pack of a session that is open may be among them; that it is then listed twice does no harm.</remarks>
    /// <returns>How many packs were indexed.</returns>
    public static async Task<int> RebuildAsync(Repository repository, CancellationToken cancellation)
    {
        var (files, broken, packs) = (repository.Files, repository.Indexes.Unreadable, 0);
        var listed = repository.Table.Files.SelectMany(file => file.Packs).Select(pack => pack.Id).ToHashSet();
        var builder = new IndexBuilder(files.Config.Id, files.Seal);
        foreach (var (pack, size) in repository.Table.Present.Where(pack => !listed.Contains(pack.Key)))
        {
            if (await files.Store.ReadAsync(Names.Pack(pack), cancellation) is not { } bytes || repository.Reader.Table(pack, bytes, out _) is not { } records) continue;
            builder.Add(new IndexedPack(pack, size), records);
            packs++;
            if (builder.Count >= IndexBuilder.MaxEntries / 2) builder = await WriteAsync(files, builder, cancellation);
        }
        await WriteAsync(files, builder, cancellation);
        if (!files.Config.AppendOnly)
            foreach (var id in broken) await files.Store.DeleteAsync(Names.Index(id), cancellation);
        if (packs + broken.Count > 0) await repository.RefreshAsync(cancellation);
        return packs;
    }

    /// <summary>Writes the indexes that list a pack that goes, or are small, anew: first the new ones, then the old ones go.</summary>
    public static async Task DropAsync(RepositoryFiles files, ChunkTable table, IReadOnlySet<Guid> gone, CancellationToken cancellation)
    {
        const int few = 4, small = IndexBuilder.MaxEntries / 8;
        var touched = table.Files.Where(file => file.Packs.Any(pack => gone.Contains(pack.Id) || !table.Present.ContainsKey(pack.Id))).ToHashSet();
        var smalls = table.Files.Where(file => file.Count < small).ToList();
        if (smalls.Count > few) touched.UnionWith(smalls);
        var builder = new IndexBuilder(files.Config.Id, files.Seal);
        foreach (var file in touched.OrderBy(file => file.Count))
        {
            if (builder.Count > 0 && builder.Count + file.Count > IndexBuilder.MaxEntries) builder = await WriteAsync(files, builder, cancellation);
            builder.Add(file, pack => !gone.Contains(pack) && table.Present.ContainsKey(pack));
        }
        await WriteAsync(files, builder, cancellation);
        foreach (var file in touched) await files.Store.DeleteAsync(Names.Index(file.Id), cancellation);
    }

    private static async Task<IndexBuilder> WriteAsync(RepositoryFiles files, IndexBuilder builder, CancellationToken cancellation)
    {
        if (!builder.IsEmpty) await files.Store.WriteAsync(Names.Index(Guid.NewGuid()), builder.Build(), cancellation);
        return new IndexBuilder(files.Config.Id, files.Seal);
    }
}
