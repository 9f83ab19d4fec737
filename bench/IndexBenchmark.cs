using System.Diagnostics;
using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;

namespace Quarterdeck.Bench;

/// <summary>Compares the indexes of a sparse 1 TiB disk before and after one chunk in a hundred has changed.</summary>
internal sealed class IndexBenchmark : IBenchmark
{
    private const long Size = 1L << 40;
    private const int Data = 1 << 20, Changed = Data / 100; // 64 GiB of data; half of the changes in one piece, half anywhere

    public string Name => "index";

    public string Description => "comparing two indexes of a sparse 1 TiB disk (64 GiB of data) that differ in 1 %";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("qd-bench-index-");
        try
        {
            RootHash before, after;
            await using (var session = await OpenAsync(folder.FullName, make: true, cancellation))
            {
                var random = new Random(1);
                var (first, second) = (session.NewIndex(Size, null), new Dictionary<long, ChunkId>());
                for (var i = 0; i < Data; i++) first.Set(Place(i), Id(random));
                before = await first.CompleteAsync(cancellation);
                await session.FlushAsync(cancellation);
                for (var i = 0; i < Changed / 2; i++) second[Place(i)] = Id(random);
                while (second.Count < Changed) second[Place(random.Next(Data))] = Id(random);
                var changed = session.NewIndex(Size, session.OpenIndex(before, Size));
                foreach (var (chunk, id) in second) changed.Set(chunk, id);
                after = await changed.CompleteAsync(cancellation);
                await session.FlushAsync(cancellation);
            }
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
            await using var later = await OpenAsync(folder.FullName, make: false, cancellation);
            var (clock, differences, floor, top) = (Stopwatch.StartNew(), 0, GC.GetTotalMemory(false), 0L);
            await foreach (var _ in later.CompareAsync(later.OpenIndex(before, Size), later.OpenIndex(after, Size), cancellation))
                if (++differences % 64 == 0) top = Math.Max(top, GC.GetTotalMemory(false) - floor);
            clock.Stop();
            Console.Error.WriteLine($"{differences} differences, {later.ReadBytes / 1e6:0.0} MB of nodes read");
            return
            [
                new("differences found", "chunks", differences, "chunks changed", Changed, (ours, peer) => ours == peer, "equal"),
                new("time to compare", "s", clock.Elapsed.TotalSeconds, "limit", 1, (ours, peer) => ours < peer, "below 1 s"),
                new("memory while comparing", "MiB", top / 1048576.0, "limit", 64, (ours, peer) => ours < peer, "below 64 MiB"),
            ];
        }
        finally { folder.Delete(recursive: true); }
    }

    // Runs of 256 MiB of data, 4 GiB apart.
    private static long Place(int i) => i / 4096 * 65536L + i % 4096;

    private static ChunkId Id(Random random)
    {
        Span<byte> bytes = stackalloc byte[ChunkId.Size];
        random.NextBytes(bytes);
        return ChunkId.From(bytes);
    }

    internal static async Task<Repository> OpenAsync(string folder, bool make, CancellationToken cancellation)
    {
        var store = new LocalStore(folder);
        var files = make ? await RepositoryFiles.CreateAsync(store, new NewRepository(), null, TimeProvider.System, cancellation) : await RepositoryFiles.OpenAsync(store, null, cancellation);
        return await Repository.OpenAsync(files, "bench", null, TimeProvider.System, cancellation);
    }
}
