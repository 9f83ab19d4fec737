using System.Security.Cryptography;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Upkeep;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;
using Repo = Quarterdeck.Repositories.Repository;

namespace Quarterdeck.Tests.Integration.Backups;

/// <summary>kill -9 of the real console at random moments of backups of a running VM, of prunes and of collects; after each, every invariant is checked past the console.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class KilledUpkeepTests(SystemLibvirt libvirt)
{
    private const int MiB = 1 << 20, Size = 24 * MiB;
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly string[] Kinds = ["backup", "backup", "prune", "collect"];

    [Fact, Trait("Category", "Long")]
    public async Task Killed_at_fifty_random_moments_every_point_is_what_the_disk_was_and_the_VM_is_tidy()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        await using var lab = await BackupLab.StartAsync(libvirt, "kill50");
        await lab.AddDiskAsync("vda", Size / MiB);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 0, 8 * MiB, 1);
        await using var console = new ConsoleProcess { Settings = { ["Quarterdeck__Operations__Backoff"] = "00:00:03" } };
        await console.StartAsync();
        await BackupLab.UntilAsync(async () => await console.Rest.StatusAsync($"/vms/{lab.Domain}") == System.Net.HttpStatusCode.OK);
        var repository = (await console.Rest.GetAsync("/repositories")).GetProperty("items")[0];
        var (id, folder) = (repository.GetProperty("id").GetString()!, repository.GetProperty("location").GetString()!);
        var points = new Dictionary<Guid, byte[]>(); // the digest of what the disk was
        var interrupted = 0;
        for (var kill = 0; kill < 50; kill++)
        {
            var (what, where) = (points.Count == 0 ? "backup" : Kinds[random.Next(Kinds.Length)], $"seed {seed}, kill {kill}");
            var oldest = points.Keys.Order().FirstOrDefault();
            if (what == "backup")
                for (var i = 0; i < 4; i++) await lab.WriteAsync("vda", random.Next(Size / 65536 - 16) * 65536L, random.Next(1, 16) * 65536, (byte)random.Next(1, 256));
            else if (points.Count > 3)
            {
                (await console.Rest.SentAsync(HttpMethod.Delete, $"/recovery-points/{oldest}")).Status.ShouldBe(System.Net.HttpStatusCode.NoContent, where);
                points.Remove(oldest);
            }
            var operation = what == "backup"
                ? await console.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.Domain}/actions/backup", new { repositoryId = id, bytesPerSecond = 4 * MiB })
                : await console.Rest.AcceptedAsync(HttpMethod.Post, $"/repositories/{id}/actions/{what}");
            await Task.Delay(random.Next(what == "backup" ? 1500 : 400));
            await console.KillAsync();
            await console.StartAsync();
            var ended = await console.Rest.SucceededAsync(operation, 180);
            if (ended.GetProperty("attempt").GetInt32() > 1) interrupted++;
            if (what == "backup") points[ended.GetProperty("result").GetProperty("recoveryPointId").GetGuid()] = SHA256.HashData(lab.Content()["vda"]);
            await CheckAsync(folder, points, where);
            await lab.ShouldBeTidyAsync(points.Keys.Max());
        }
        interrupted.ShouldBeGreaterThan(10, "too few of the kills met anything");
    }

    private static async Task CheckAsync(string folder, IReadOnlyDictionary<Guid, byte[]> points, string where)
    {
        await using var repository = await Repo.OpenAsync(await RepositoryFiles.OpenAsync(new LocalStore(folder), null, None), "test", null, TimeProvider.System, None);
        (await repository.PointsAsync(None)).Select(p => p.Id).ShouldBe(points.Keys, ignoreOrder: true, where);
        foreach (var (id, digest) in points) SHA256.HashData(await BackupLab.ReadPointAsync(repository, id, "vda")).ShouldBe(digest, $"{where}, point {id}");
        (await new Verifier(repository, TimeProvider.System, _ => { }).RunAsync(None)).ShouldSatisfyAllConditions(v => v.Damage.ShouldBeNull(where), v => v.DamagedChunks.ShouldBe(0, where));
    }
}
