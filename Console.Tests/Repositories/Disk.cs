using Quarterdeck.Repositories;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Repositories;

/// <summary>A disk as a test thinks of it: a seed for each chunk, 0 for zeros.</summary>
internal static class Disk
{
    public static long SizeOf(int[] seeds) => (long)seeds.Length * Repository.ChunkSize;

    /// <summary>Backs it up as a point; where a parent is given, only what differs from it is sent.</summary>
    public static async Task<PointManifest> BackUpAsync(Repository session, int[] seeds, PointManifest? parent = null, int[]? before = null, DateTimeOffset? at = null)
    {
        var index = session.NewIndex(SizeOf(seeds), parent is null ? null : session.OpenIndex(parent.Disks[0].Root, parent.Disks[0].SizeBytes));
        for (var i = 0; i < seeds.Length; i++)
        {
            if (before is not null && i < before.Length && before[i] == seeds[i]) continue;
            index.Set(i, seeds[i] == 0 ? ChunkId.Zero : (await session.StoreAsync(TestRepository.Chunk(seeds[i]), default)).Id);
        }
        var point = TestRepository.Point(await index.CompleteAsync(default), SizeOf(seeds), at: at) with { ParentId = parent?.Id };
        await session.CommitPointAsync(point, default);
        return point;
    }

    /// <summary>Reads a point whole and compares it.</summary>
    public static async Task ShouldBeAsync(Repository session, PointManifest point, int[] seeds)
    {
        var index = session.OpenIndex(point.Disks[0].Root, point.Disks[0].SizeBytes);
        var ids = new ChunkId[seeds.Length];
        await index.ReadAsync(0, ids, default);
        var chunk = new byte[Repository.ChunkSize];
        for (var i = 0; i < seeds.Length; i++)
        {
            await session.ReadAsync(ids[i], chunk, default);
            chunk.AsSpan().SequenceEqual(seeds[i] == 0 ? new byte[Repository.ChunkSize] : TestRepository.Chunk(seeds[i])).ShouldBeTrue($"chunk {i} of {point.Id}");
        }
    }
}
