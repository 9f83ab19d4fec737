using Quarterdeck.Repositories.Chunks;
using Quarterdeck.Repositories.Trees;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>Finds what points need and cannot have. What several points share is walked once.</summary>
internal sealed class TreeCheck(Repository repository, ChunkTable table)
{
    private readonly Dictionary<ChunkId, long> _bad = [];

    /// <summary>In words what is wrong with a point; null when all it needs is there and sound.</summary>
    public async Task<string?> DamageAsync(PointManifest point, CancellationToken cancellation)
    {
        var found = new List<string>();
        foreach (var disk in point.Disks)
            if (await BadAsync(disk.Root, disk.SizeBytes, cancellation) is > 0 and var bad) found.Add($"{disk.Target}: {Count(bad)}");
        foreach (var file in point.Files)
            if (await BadAsync(file.Root, file.SizeBytes, cancellation) is > 0 and var bad) found.Add($"{file.Name}: {Count(bad)}");
        return found.Count == 0 ? null : string.Join("; ", found);

        static string Count(long bad) => bad == 1 ? "1 chunk of 64 KiB is missing or damaged" : $"{bad} chunks of 64 KiB are missing or damaged";
    }

    private Task<long> BadAsync(RootHash root, long size, CancellationToken cancellation) => BadAsync(TreeShape.Top(TreeShape.Chunks(size)), root.Top, cancellation);

    /// <summary>How many chunks below a node are bad; a node that is bad itself takes all below it with it.</summary>
    private async Task<long> BadAsync(int level, ChunkId id, CancellationToken cancellation)
    {
        if (id.IsZero) return 0;
        if (level < 0) return table.FindEntry(id, toRelyOn: false) is null ? 1 : 0;
        if (_bad.TryGetValue(id, out var known)) return known;
        long bad = 0;
        if (table.FindEntry(id, toRelyOn: false) is null) bad = TreeShape.Span(level);
        else
        {
            try
            {
                foreach (var child in await repository.NodeAsync(id, cancellation)) bad += await BadAsync(level - 1, child, cancellation);
            }
            catch (RepositoryException e) when (e.Fault is RepositoryFault.Damaged) { bad = TreeShape.Span(level); }
        }
        return _bad[id] = bad;
    }
}
