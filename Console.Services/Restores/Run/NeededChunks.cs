using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Disks;
using Quarterdeck.Restores.Journal;

namespace Quarterdeck.Restores.Run;

/// <summary>Reads every chunk that a restore needs before it writes the first: a damaged repository then costs nothing.</summary>
internal sealed class NeededChunks
{
    private const int AtOnce = 8;

    /// <summary>Fetches and checks the chunks in which disks differ from the point, and holds them for writing.</summary>
    /// <returns>How many differ, and their bytes on the disk.</returns>
    /// <exception cref="ProblemException">A chunk is damaged; the problem names the points that need it.</exception>
    public async Task<(long Chunks, long Bytes)> FetchAsync(Repository repository, ChunkSpool spool, IReadOnlyList<JournalDisk> disks, PointManifest point, CancellationToken cancellation)
    {
        long chunks = 0, bytes = 0;
        foreach (var disk in disks)
        {
            // Differences come in order, one by one; only the fetching is parallel.
            await PointSource.TryAsync(() => Parallel.ForEachAsync(InPlaceWriting.CompareAsync(repository, disk, back: false, cancellation), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (difference, c) =>
            {
                Interlocked.Increment(ref chunks);
                Interlocked.Add(ref bytes, Math.Min(Repository.ChunkSize, disk.SizeBytes - difference.Chunk * Repository.ChunkSize));
                try
                {
                    await spool.HoldAsync(difference.To, c);
                }
                catch (RepositoryException e) when (e.Fault is RepositoryFault.Damaged)
                {
                    throw new ProblemException(await DamageAsync(repository, disk, difference, point, e, c), e);
                }
            }));
        }
        return (chunks, bytes);
    }

    private static async Task<Problem> DamageAsync(Repository repository, JournalDisk disk, ChunkDifference difference, PointManifest point, RepositoryException cause, CancellationToken cancellation)
    {
        var affected = new List<string>();
        var ids = new ChunkId[1];
        foreach (var other in await repository.PointsAsync(cancellation))
            foreach (var its in other.Disks.Where(d => other.VmId == point.VmId && d.Target == disk.Target && difference.Chunk * Repository.ChunkSize < d.SizeBytes))
            {
                try
                {
                    await repository.OpenIndex(its.Root, its.SizeBytes).ReadAsync(difference.Chunk, ids, cancellation);
                    if (ids[0] == difference.To) affected.Add($"{other.CreatedAt:yyyy-MM-dd HH:mm:ss} UTC ({other.Id})");
                }
                catch (RepositoryException) { affected.Add($"{other.CreatedAt:yyyy-MM-dd HH:mm:ss} UTC ({other.Id}), whose index is damaged"); }
            }
        return Problem.Conflict("The repository is damaged", $"Nothing was restored. A chunk of disk {disk.Target} at byte {difference.Chunk * Repository.ChunkSize} is damaged: {cause.Problem.Detail} "
            + $"Recovery points of this VM that need it: {string.Join("; ", affected)}. Restore another point; verify the repository to find what else is affected.");
    }
}
