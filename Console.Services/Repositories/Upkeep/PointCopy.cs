using Quarterdeck.Repositories.Trees;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>What a copy did.</summary>
internal sealed record Copied(int Points, int Skipped, long ReadChunks, long NewChunks, long StoredBytes);

/// <summary>Copies points from one repository to another: only what is missing there. A copy keeps its id, so that copying it again does nothing.</summary>
internal sealed class PointCopy(Repository from, Repository to, Action<string> log, Action<long, long>? progress = null)
{
    private const int AtOnce = 16;
    private long _read, _new;

    /// <param name="wanted">Points to copy; null for all.</param>
    /// <param name="cancellation">Gives up; what was copied whole stays.</param>
    public async Task<Copied> RunAsync(IReadOnlyCollection<Guid>? wanted, CancellationToken cancellation)
    {
        // Oldest first: each then builds on the one before it.
        var points = (await from.PointsAsync(cancellation)).Where(p => wanted is null || wanted.Contains(p.Id)).Reverse().ToList();
        var there = (await to.PointsAsync(cancellation)).ToDictionary(p => p.Id);
        var (copied, skipped) = (0, 0);
        foreach (var point in points)
        {
            progress?.Invoke(copied + skipped, points.Count);
            if (there.ContainsKey(point.Id))
            {
                skipped++;
                continue;
            }
            var made = await CopyAsync(point, points, there, cancellation);
            await to.CommitPointAsync(made, cancellation);
            there[point.Id] = made;
            log($"Copied the point {point.Id:D} of {point.VmName}, {point.CreatedAt:yyyy-MM-dd HH:mm:ss} UTC.");
            copied++;
        }
        progress?.Invoke(points.Count, points.Count);
        return new Copied(copied, skipped, _read, _new, to.StoredBytes);
    }

    private async Task<PointManifest> CopyAsync(PointManifest point, IReadOnlyList<PointManifest> all, IReadOnlyDictionary<Guid, PointManifest> there, CancellationToken cancellation)
    {
        var before = all.LastOrDefault(p => p.VmId == point.VmId && p.CreatedAt < point.CreatedAt && there.ContainsKey(p.Id));
        var disks = new List<PointDisk>();
        foreach (var disk in point.Disks)
        {
            var (source, target) = (before?.Disks.FirstOrDefault(d => d.Target == disk.Target), before is null ? null : there[before.Id].Disks.FirstOrDefault(d => d.Target == disk.Target));
            disks.Add(disk with { Root = await CopyAsync(disk.Root, disk.SizeBytes, source, target, cancellation) });
        }
        var files = new List<PointFile>();
        foreach (var file in point.Files) files.Add(await to.PutFileAsync(file.Name, await from.ReadFileAsync(file, cancellation), cancellation));
        // What was found out about the original says nothing about the copy.
        return point with { Disks = disks, Files = files, Labels = point.Labels with { VerifiedAt = null, Damage = null } };
    }

    private async Task<RootHash> CopyAsync(RootHash root, long size, PointDisk? source, PointDisk? target, CancellationToken cancellation)
    {
        var based = source is not null && target is not null && source.SizeBytes == target.SizeBytes;
        var index = to.NewIndex(size, based ? to.OpenIndex(target!.Root, target.SizeBytes) : null);
        var changes = from.CompareAsync(from.OpenIndex(based ? source!.Root : default, based ? source!.SizeBytes : size), from.OpenIndex(root, size), cancellation);
        var chunks = TreeShape.Chunks(size);
        await Parallel.ForEachAsync(changes, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (change, c) =>
        {
            // Beyond the end of a disk that has shrunk.
            if (change.Chunk >= chunks) return;
            index.Set(change.Chunk, await CopyAsync(change.To, c));
        });
        return await index.CompleteAsync(cancellation);
    }

    private async Task<ChunkId> CopyAsync(ChunkId id, CancellationToken cancellation)
    {
        // Where both name content alike, a chunk that is there need not even be read.
        if (id.IsZero || from.Files.Seal.IdMark == to.Files.Seal.IdMark && to.IsKnown(id)) return id;
        var chunk = new byte[Repository.ChunkSize];
        await from.ReadAsync(id, chunk, cancellation);
        Interlocked.Increment(ref _read);
        var (there, stored) = await to.StoreAsync(chunk, cancellation);
        if (stored) Interlocked.Increment(ref _new);
        return there;
    }
}
