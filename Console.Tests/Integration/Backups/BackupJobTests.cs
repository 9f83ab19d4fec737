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
