using System.Diagnostics;
using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Upkeep;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Repositories;

/// <summary>A process that backs up, removes points and collects without end is killed at random moments; after each, every invariant is checked.</summary>
public sealed class KilledSessionTests
{
    private const int Chunks = 48;

    [Fact]
    public Task After_a_kill_at_any_moment_every_point_is_whole() => RunAsync(5);

    [Fact, Trait("Category", "Long")]
    public Task After_fifty_kills_every_point_is_whole() => RunAsync(50);

    private static async Task RunAsync(int kills)
    {
        using var home = new TestRepository { Options = new NewRepository(PackBytes: 1 << 20) };
        await (await home.FilesAsync()).DisposeAsync();
        var random = new Random(kills);
        for (var kill = 0; kill < kills; kill++)
        {
            using (var child = Process.Start(new ProcessStartInfo("dotnet", [typeof(KilledSessionTests).Assembly.Location, "repository-work", home.Folder, random.Next().ToString()]) { RedirectStandardOutput = true })!)
            {
                (await child.StandardOutput.ReadLineAsync()).ShouldBe("working");
                await Task.Delay(random.Next(100, 1500));
                child.Kill();
                await child.WaitForExitAsync();
            }
            await CheckAsync(home);
        }
        // Sessions and locks of the dead do not stand in the way: what is left over goes.
        await using (var last = await home.OpenAsync()) (await new Collector(last, TimeProvider.System, _ => { }).RunAsync(default)).WaitsFor.ShouldBe(0);
        await CheckAsync(home);
    }

    private static async Task CheckAsync(TestRepository home)
    {
        await using var session = await home.OpenAsync();
        session.Indexes.Unreadable.ShouldBeEmpty();
        var (points, unreadable) = await session.Points.AllAsync(default);
        unreadable.ShouldBeEmpty();
        foreach (var point in points) await Disk.ShouldBeAsync(session, point, [.. point.Extra["test.seeds"].Split(',').Select(int.Parse)]);
        (await new Verifier(session, TimeProvider.System, _ => { }).RunAsync(default)).ShouldSatisfyAllConditions(v => v.Damage.ShouldBeNull(), v => v.DamagedChunks.ShouldBe(0));
    }

    /// <summary>What the child process does: two sessions at once, one backing up, one removing and collecting.</summary>
    public static async Task<int> WorkAsync(string folder, int seed)
    {
        System.Console.WriteLine("working");
        await Task.WhenAll(Task.Run(() => BackUpsAsync(folder, new Random(seed))), Task.Run(() => CollectsAsync(folder, new Random(seed + 1))));
        return 0;
    }

    private static async Task<Repository> OpenAsync(string folder) =>
        await Repository.OpenAsync(await RepositoryFiles.OpenAsync(new LocalStore(folder), null, default), "test", null, TimeProvider.System, default);

    private static async Task BackUpsAsync(string folder, Random random)
    {
        while (true)
        {
            await using var session = await OpenAsync(folder);
            var parent = (await session.PointsAsync(default)).FirstOrDefault();
            int[] before = parent is null ? new int[Chunks] : [.. parent.Extra["test.seeds"].Split(',').Select(int.Parse)];
            var seeds = (int[])before.Clone();
            for (var i = 0; i < 12; i++) seeds[random.Next(Chunks)] = random.Next(60);
            var index = session.NewIndex(Disk.SizeOf(seeds), parent is null ? null : session.OpenIndex(parent.Disks[0].Root, parent.Disks[0].SizeBytes));
            for (var i = 0; i < Chunks; i++)
                if (seeds[i] != before[i]) index.Set(i, seeds[i] == 0 ? ChunkId.Zero : (await session.StoreAsync(TestRepository.Chunk(seeds[i]), default)).Id);
            var point = TestRepository.Point(await index.CompleteAsync(default), Disk.SizeOf(seeds)) with { Extra = new Dictionary<string, string> { ["test.seeds"] = string.Join(',', seeds) } };
            try { await session.CommitPointAsync(point, default); }
            // Its parent was removed and collected meanwhile: refused, which is right.
            catch (RepositoryException e) when (e.Fault is RepositoryFault.Damaged) { }
        }
    }

    private static async Task CollectsAsync(string folder, Random random)
    {
        while (true)
        {
            await using var session = await OpenAsync(folder);
            foreach (var point in (await session.PointsAsync(default)).Skip(random.Next(4))) await session.RemovePointAsync(point.Id, default);
            await new Collector(session, TimeProvider.System, _ => { }).RunAsync(default);
        }
    }
}
