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
    public async Task<(long Chunks, long Bytes)> FetchAsync(Repository repository, ChunkSpool spool, IReadOnlyList<JournalDisk> disks, CancellationToken cancellation)
    {
        long chunks = 0, bytes = 0;
        foreach (var disk in disks)
        {
            // Differences come in order, one by one; only the fetching is parallel.
            await DamagedPoints.NamedAsync(repository, () => Parallel.ForEachAsync(InPlaceWriting.CompareAsync(repository, disk, back: false, cancellation), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (difference, c) =>
            {
                Interlocked.Increment(ref chunks);
                Interlocked.Add(ref bytes, Math.Min(Repository.ChunkSize, disk.SizeBytes - difference.Chunk * Repository.ChunkSize));
                await spool.HoldAsync(difference.To, c);
            }), cancellation);
        }
        return (chunks, bytes);
    }
}
