using System.Diagnostics;
using System.Security.Cryptography;
using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Upkeep;

namespace Quarterdeck.Bench;

/// <summary>Verifies and collects a repository of 1 GiB, against reading its packs and hashing them on the same number of cores.</summary>
internal sealed class VerifyBenchmark : IBenchmark
{
    private const int Chunks = 16384, Rounds = 3;

    public string Name => "verify";

    public string Description => "verifying and collecting 1 GiB, against reading the packs and hashing them";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation) =>
        [.. await MeasureAsync("data that does not compress", 512, cancellation), .. await MeasureAsync("data that compresses to half", 256, cancellation)];

    private static async Task<IReadOnlyList<Figure>> MeasureAsync(string what, int randomOf512, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("qd-bench-verify-");
        try
        {
            await FillAsync(folder.FullName, randomOf512, cancellation);
            var packs = Directory.GetFiles(Path.Combine(folder.FullName, "packs"), "*", SearchOption.AllDirectories);
            var bytes = packs.Sum(p => new FileInfo(p).Length);
            var (hashing, verifying, collecting) = (double.MaxValue, double.MaxValue, double.MaxValue);
            for (var round = 0; round <= Rounds; round++)
            {
                var (h, v, c) = (Hash(packs), await VerifyAsync(folder.FullName, cancellation), await CollectAsync(folder.FullName, cancellation));
                Console.Error.WriteLine($"{what}, {(round == 0 ? "warm-up" : $"round {round}")}: read and hash {bytes / 1048576} MiB {h:0.000} s, verify {v:0.000} s, collect {c:0.000} s");
                if (round > 0) (hashing, verifying, collecting) = (Math.Min(hashing, h), Math.Min(verifying, v), Math.Min(collecting, c));
            }
            // What is hashed is the content: where it compresses, that is more than the packs have.
            var (content, mib) = (Chunks * (double)Repository.ChunkSize / 1048576, bytes / 1048576.0);
            return
            [
                new($"bytes hashed by verify, {what}", "MiB/s", content / verifying, "reading and hashing packs", mib / hashing, (ours, peer) => ours >= 0.6 * peer, "at least 0.6 of the peer's"),
                new($"bytes of packs seen by collect, {what}", "MiB/s", mib / collecting, "reading and hashing packs", mib / hashing, (ours, peer) => ours >= 0.6 * peer, "at least 0.6 of the peer's"),
            ];
        }
        finally { folder.Delete(recursive: true); }
    }

    private static async Task FillAsync(string folder, int randomOf512, CancellationToken cancellation)
    {
        await using var session = await IndexBenchmark.OpenAsync(folder, make: true, cancellation);
        var index = session.NewIndex((long)Chunks * Repository.ChunkSize, null);
        await Parallel.ForEachAsync(Enumerable.Range(0, Chunks), cancellation, async (i, c) =>
        {
            var chunk = new byte[Repository.ChunkSize];
            var random = new Random(i);
            for (var at = 0; at < chunk.Length; at += 512) random.NextBytes(chunk.AsSpan(at, randomOf512));
            index.Set(i, (await session.StoreAsync(chunk, c)).Id);
        });
        await session.CommitPointAsync(new PointManifest
        {
            Id = Guid.CreateVersion7(), VmId = Guid.Empty, VmName = "bench", HostName = "bench", CreatedAt = DateTimeOffset.UtcNow, Kind = PointKind.Full, Consistency = PointConsistency.Crash, DomainXml = "<domain/>",
            Disks = [new PointDisk("vda", "vda.qcow2", "qcow2", (long)Chunks * Repository.ChunkSize, await index.CompleteAsync(cancellation))], Counters = new PointCounters(0, 0, 0, 0, 0, 0),
        }, cancellation);
    }

    private static double Hash(string[] packs)
    {
        var clock = Stopwatch.StartNew();
        Parallel.ForEach(packs, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, pack => SHA256.HashData(File.ReadAllBytes(pack)));
        return clock.Elapsed.TotalSeconds;
    }

    private static async Task<double> VerifyAsync(string folder, CancellationToken cancellation)
    {
        await using var session = await IndexBenchmark.OpenAsync(folder, make: false, cancellation);
        var clock = Stopwatch.StartNew();
        var found = await new Verifier(session, TimeProvider.System, Console.Error.WriteLine).RunAsync(cancellation);
        if (found.Damage is not null || found.Chunks < Chunks) throw new InvalidOperationException("The verification did not see all.");
        return clock.Elapsed.TotalSeconds;
    }

    private static async Task<double> CollectAsync(string folder, CancellationToken cancellation)
    {
        await using var session = await IndexBenchmark.OpenAsync(folder, make: false, cancellation);
        var clock = Stopwatch.StartNew();
        await new Collector(session, TimeProvider.System, Console.Error.WriteLine).RunAsync(cancellation);
        return clock.Elapsed.TotalSeconds;
    }
}
