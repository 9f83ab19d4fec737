using System.Net;
using System.Text.Json;
using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Tests.Integration.Restores;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Backups;

/// <summary>Jobs over REST on a real VM: what a run makes, keeps and removes.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class BackupJobTests(SystemLibvirt libvirt)
{
    [Fact]
    public async Task Retention_keeps_what_the_run_just_made_what_is_pinned_and_what_is_not_its_own_even_when_the_clock_was_wrong()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "job");
        await lab.MakeVmAsync(("vda", "qcow2", 8));
        var (status, job) = await lab.Rest.SentAsync(HttpMethod.Post, "/backup-jobs", new { name = "Last one", repositoryId = lab.RepositoryId, targets = new { vmIds = new[] { lab.VmId, Guid.NewGuid().ToString() } }, retention = new { last = 1 }, verify = true });
        if (status == HttpStatusCode.UnprocessableEntity) // a VM that does not exist is refused by field
            (status, job) = await lab.Rest.SentAsync(HttpMethod.Post, "/backup-jobs", new { name = "Last one", repositoryId = lab.RepositoryId, targets = new { vmIds = new[] { lab.VmId } }, retention = new { last = 1 }, verify = true });
        status.ShouldBe(HttpStatusCode.Created, job.ToString());
        var id = job.GetProperty("id").GetGuid();
        var byHand = await lab.BackUpAsync();

        var first = await RunAsync(lab, id);
        (await lab.Rest.SentAsync(HttpMethod.Post, $"/recovery-points/{first}/actions/pin")).Status.ShouldBe(HttpStatusCode.OK);
        await lab.WriteAsync("vda", 0, 65536, 1);
        var second = await RunAsync(lab, id);
        await lab.WriteAsync("vda", 0, 65536, 2);
        var third = await RunAsync(lab, id);
        (await PointsAsync(lab)).ShouldBe([byHand.Id, first, third], ignoreOrder: true, $"{second} is neither pinned nor the last");

        // A point from a day when the clock was years ahead is the newest by its time, and the run's own must stay all the same.
        var ahead = await AheadAsync(lab, third, id);
        await RestoreLab.UntilAsync(async () => (await PointsAsync(lab)).Contains(ahead));
        await lab.WriteAsync("vda", 0, 65536, 3);
        var now = lab.Contents();
        var fourth = await RunAsync(lab, id);
        (await PointsAsync(lab)).ShouldBe([byHand.Id, first, ahead, fourth], ignoreOrder: true);
        var manifest = await ManifestAsync(lab, fourth);
        manifest.Notes.ShouldContain(n => n.Contains("one of them was wrong"));
        await lab.WriteAsync("vda", 1 << 20, 65536, 4);
        await lab.RestoredAsync(fourth);
        await lab.ShouldHoldAsync(now);
    }

    [Fact]
    public async Task A_run_takes_as_many_VMs_of_a_host_at_once_as_it_may_and_leaves_a_point_that_is_in_use()
    {
        // The proof holds the oldest point and never boots it.
        await using var lab = await RestoreLab.StartAsync(libvirt, "par", holdAt: "recovery-point.prove/boot-1@begin");
        await lab.MakeVmAsync(("vda", "qcow2", 8));
        var tag = lab.Name.ToLowerInvariant();
        string[] ids = [lab.VmId, await AddVmAsync(lab, 2), await AddVmAsync(lab, 3)];
        foreach (var id in ids) (await lab.Rest.SentAsync(HttpMethod.Patch, $"/vms/{id}", new { tags = new[] { tag } })).Status.ShouldBe(HttpStatusCode.OK);
        var (status, job) = await lab.Rest.SentAsync(HttpMethod.Post, "/backup-jobs", new { name = "One by one", repositoryId = lab.RepositoryId, targets = new { tags = new[] { tag } }, retention = new { last = 1 }, parallelPerHost = 1, bytesPerSecond = 6 << 20 });
        status.ShouldBe(HttpStatusCode.Created, job.ToString());
        var path = $"/backup-jobs/{job.GetProperty("id").GetString()}/actions/run";
        var run = await lab.Rest.AcceptedAsync(HttpMethod.Post, path);
        (await lab.Rest.SucceededAsync(run)).GetProperty("result").GetProperty("succeeded").GetInt32().ShouldBe(3);
        var parts = (await lab.Rest.GetAsync($"/operations?parent={run}&kind=vm.backup")).GetProperty("items").EnumerateArray()
            .Select(o => (From: o.GetProperty("startedAt").GetDateTimeOffset(), Until: o.GetProperty("endedAt").GetDateTimeOffset())).OrderBy(o => o.From).ToArray();
        parts.Length.ShouldBe(3);
        for (var i = 1; i < parts.Length; i++) parts[i].From.ShouldBeGreaterThanOrEqualTo(parts[i - 1].Until, "only one VM of a host at a time");
        parts.Max(p => p.Until - p.From).ShouldBeGreaterThan(TimeSpan.FromMilliseconds(650), "6 MiB at 6 MiB a second, however fast the machine");

        var used = (await PointsAsync(lab)).ShouldHaveSingleItem();
        var proof = await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/recovery-points/{used}/actions/prove", new { });
        await lab.StepAsync(proof, "boot-1");
        await lab.WriteAsync("vda", 0, 65536, 5);
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, path));
        var two = await PointsAsync(lab);
        two.Count.ShouldBe(2);
        two.ShouldContain(used, "somebody is reading it");
        await lab.Rest.SentAsync(HttpMethod.Post, $"/operations/{proof}/actions/cancel");
        await lab.Rest.EndedAsync(proof);
        await lab.WriteAsync("vda", 0, 65536, 6);
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, path));
        (await PointsAsync(lab)).ShouldHaveSingleItem().ShouldNotBeOneOf([.. two]);
    }

    [Fact]
    public async Task Jobs_of_one_VM_into_two_repositories_are_whole_in_each()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "twice");
        await lab.MakeVmAsync(("vda", "qcow2", 8));
        var first = (await AddJobAsync(lab, "Here"), lab.RepositoryId);
        await lab.UseRepositoryAsync(new { name = "There", kind = "local", location = lab.RepositoryFolder + "-there" });
        var second = (await AddJobAsync(lab, "There"), lab.RepositoryId);
        var taken = new List<(Guid Point, string Repository, Dictionary<string, byte[]> Content)>();
        foreach (var ((job, repository), seed) in new[] { (first, 1), (second, 2), (first, 3), (second, 4) })
        {
            await lab.WriteAsync("vda", seed << 20, 65536, seed);
            taken.Add((await RunAsync(lab, job), repository, lab.Contents()));
        }
        (await lab.Rest.GetAsync($"/recovery-points/{taken[2].Point}")).GetProperty("notes").ToString().ShouldContain("nothing tracks its changes since a point of this repository");
        foreach (var (point, repository, content) in taken[..2])
        {
            await lab.RestoredAsync(point, more: new { repositoryId = repository });
            await lab.ShouldHoldAsync(content);
        }
    }

    private static async Task<Guid> AddJobAsync(RestoreLab lab, string name)
    {
        var (status, job) = await lab.Rest.SentAsync(HttpMethod.Post, "/backup-jobs", new { name, repositoryId = lab.RepositoryId, targets = new { vmIds = new[] { lab.VmId } } });
        status.ShouldBe(HttpStatusCode.Created, job.ToString());
        return job.GetProperty("id").GetGuid();
    }

    private static async Task<string> AddVmAsync(RestoreLab lab, int number)
    {
        var made = await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, "/vms", new { name = $"{lab.Name}-{number}", hostId = lab.HostId, vcpus = 1, memoryMiB = 64, disks = new[] { new { sizeGiB = 1 } } }));
        return made.GetProperty("result").GetProperty("vmId").GetString()!;
    }

    private static async Task<Guid> RunAsync(RestoreLab lab, Guid job)
    {
        var before = await PointsAsync(lab);
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/backup-jobs/{job}/actions/run"));
        return (await PointsAsync(lab)).Except(before).ShouldHaveSingleItem();
    }

    private static async Task<IReadOnlyList<Guid>> PointsAsync(RestoreLab lab) =>
        [.. (await lab.Rest.GetAsync($"/recovery-points?vmId={lab.VmId}&pageSize=100")).GetProperty("items").EnumerateArray().Select(p => p.GetProperty("id").GetGuid())];

    private static async Task<Repository> OpenAsync(RestoreLab lab) =>
        await Repository.OpenAsync(await RepositoryFiles.OpenAsync(new LocalStore(lab.RepositoryFolder), null, default), "test", null, TimeProvider.System, default);

    private static async Task<PointManifest> ManifestAsync(RestoreLab lab, Guid point)
    {
        await using var repository = await OpenAsync(lab);
        return (await repository.PointAsync(point, default)).ShouldNotBeNull();
    }

    private static async Task<Guid> AheadAsync(RestoreLab lab, Guid like, Guid job)
    {
        await using var repository = await OpenAsync(lab);
        var point = (await repository.PointAsync(like, default))! with { Id = Guid.CreateVersion7(DateTimeOffset.UtcNow.AddYears(10)), CreatedAt = DateTimeOffset.UtcNow.AddYears(10), JobId = job, ParentId = null };
        await repository.CommitPointAsync(point, default);
        await lab.RereadAsync();
        return point.Id;
    }
}
