using Quarterdeck.Repositories.Chunks;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Packs;

namespace Quarterdeck.Repositories.Registry;

/// <summary>Measures a repository from its lists and indexes; reads no chunk.</summary>
internal static class Measurement
{
    public static async Task<RepositoryFigures> TakeAsync(RepositoryFiles files, string cacheFolder, CancellationToken cancellation)
    {
        var table = await new IndexShelf(files, cacheFolder).LoadAsync(cancellation);
        var used = table.Present.Values.Sum();
        await foreach (var index in files.Store.ListAsync(Names.Indexes, cancellation)) used += index.Size;
        var (points, _) = await new PointShelf(files).AllAsync(cancellation);
        var chunks = await Task.Run(() => DataChunks(table), cancellation);
        return new RepositoryFigures(used, chunks * Repository.ChunkSize, points.Sum(point => point.Disks.Sum(disk => disk.SizeBytes)), points.Count);
    }

    /// <summary>Chunks of disks, each counted once within an index; the same one in two indexes is rare and goes with the next collect.</summary>
    private static long DataChunks(ChunkTable table)
    {
        var chunks = 0L;
        foreach (var file in table.Files)
        {
            var last = ChunkId.Zero;
            for (var i = 0; i < file.Count; i++)
            {
                var (pack, place) = file.PlaceAt(i);
                if (place.Kind is not RecordKind.Data || pack >= file.Packs.Count || !table.Present.ContainsKey(file.Packs[pack].Id)) continue;
                var id = file.IdAt(i);
                if (id != last) chunks++;
                last = id;
            }
        }
        return chunks;
    }
}
