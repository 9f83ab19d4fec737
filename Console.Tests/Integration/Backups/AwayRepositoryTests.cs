using System.Net;
using Quarterdeck.Tests.Integration.Restores;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Backups;

/// <summary>A repository that goes away, fills up or is written by another console while the real console works with it.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class AwayRepositoryTests(SystemLibvirt libvirt)
{
    private static readonly Dictionary<string, string> Quick = new() { ["Quarterdeck:Operations:Backoff"] = "00:00:02" };

    [Fact]
    public async Task A_backup_whose_repository_goes_away_and_comes_back_is_tried_again_and_whole()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "gone", more: Quick);
        await lab.MakeVmAsync(("vda", "qcow2", 24));
        var operation = await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/backup", new { repositoryId = lab.RepositoryId, bytesPerSecond = 6 << 20 });
        await RestoreLab.UntilAsync(async () => (await lab.Rest.GetAsync($"/operations/{operation}")).GetProperty("progress") is { ValueKind: System.Text.Json.JsonValueKind.Object } p && p.GetProperty("done").GetInt64() > 2 << 20);
        Directory.Move(lab.RepositoryFolder, lab.RepositoryFolder + ".away");
        await RestoreLab.UntilAsync(async () => (await lab.Rest.GetAsync($"/operations/{operation}")).GetProperty("notBefore").ValueKind != System.Text.Json.JsonValueKind.Null);
        Directory.Exists(lab.RepositoryFolder).ShouldBeFalse("nothing is made in its place");
        Directory.Move(lab.RepositoryFolder + ".away", lab.RepositoryFolder);
        var point = (await lab.Rest.SucceededAsync(operation)).GetProperty("result").GetProperty("recoveryPointId").GetGuid();
        var then = lab.Contents();
        await lab.WriteAsync("vda", 0, 3 << 20, 71);
        await lab.RestoredAsync(point);
        await lab.ShouldHoldAsync(then);
    }

    [Fact]
    public async Task A_full_repository_is_told_is_restored_from_and_works_again_once_points_were_removed_and_collected()
    {
        await using var disk = await SmallDisk.MountAsync(40);
        await using var lab = await RestoreLab.StartAsync(libvirt, "full", more: Quick);
        await lab.UseRepositoryAsync(new { name = "Small", kind = "local", location = Path.Combine(disk.Folder, "repository") });
        await lab.MakeVmAsync(("vda", "qcow2", 16));
        var first = await lab.BackUpAsync();
        var then = lab.Contents();
        await lab.WriteAsync("vda", 0, 4 << 20, 72);
        var second = await lab.BackUpAsync();
        await lab.WriteAsync("vda", 4 << 20, 4 << 20, 73);
        disk.Fill();

        var failed = await lab.Rest.EndedAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/backup", new { repositoryId = lab.RepositoryId }));
        failed.GetProperty("state").GetString().ShouldBe("failed", failed.ToString());
        failed.GetProperty("problem").GetProperty("title").GetString().ShouldBe("The repository is full");
        failed.GetProperty("attempt").GetInt32().ShouldBe(1, "trying again makes no room");

        // In place there would be no way back, for the common snapshot has no room; the other modes need none there.
        var present = lab.Contents();
        var refused = await lab.Rest.EndedAsync(await lab.RestoreAsync(first.Id));
        refused.GetProperty("state").GetString().ShouldBe("failed", refused.ToString());
        refused.GetProperty("problem").GetProperty("detail").GetString()!.ShouldContain("Make room");
        await lab.ShouldHoldAsync(present);
        lab.ShouldBeTidy();
        await lab.RestoredAsync(first.Id, "full");
        await lab.ShouldHoldAsync(then);

        (await lab.Rest.SentAsync(HttpMethod.Delete, $"/recovery-points/{second.Id}")).Status.ShouldBe(HttpStatusCode.NoContent);
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/repositories/{lab.RepositoryId}/actions/collect"));
        await lab.WriteAsync("vda", 0, 1 << 20, 74);
        var third = await lab.BackUpAsync();
        var now = lab.Contents();
        await lab.WriteAsync("vda", 8 << 20, 1 << 20, 75);
        await lab.RestoredAsync(third.Id);
        await lab.ShouldHoldAsync(now);
    }

    [Fact]
    public async Task Two_consoles_share_a_repository_build_on_each_other_s_points_and_take_nothing_from_each_other()
    {
        await using var one = await RestoreLab.StartAsync(libvirt, "two", holdAt: "vm.restore/check@end", more: new Dictionary<string, string> { ["Quarterdeck:Backups:RereadSeconds"] = "1" });
        await one.MakeVmAsync(("vda", "qcow2", 16));
        var first = await one.BackUpAsync();
        var then = one.Contents();
        await using var other = await TestConsole.StartAsync(new Dictionary<string, string> { ["Quarterdeck:Hosts:FirstHost"] = SystemLibvirt.Uri, ["Quarterdeck:Backups:RereadSeconds"] = "1" });
        using var rest = new RunningConsole.RestClient(other.Url, TestConsole.Token);
        var (status, adopted) = await rest.SentAsync(HttpMethod.Post, "/repositories", new { name = "Shared", kind = "local", location = one.RepositoryFolder });
        status.ShouldBe(HttpStatusCode.Created, adopted.ToString());
        adopted.GetProperty("adopted").GetBoolean().ShouldBeTrue();
        var shared = adopted.GetProperty("id").GetString()!;
        await RestoreLab.UntilAsync(async () => (await rest.GetAsync($"/recovery-points?vmId={one.VmId}")).GetProperty("total").GetInt32() == 1 && await rest.StatusAsync($"/vms/{one.VmId}") == HttpStatusCode.OK);

        await one.WriteAsync("vda", 0, 300_000, 76);
        var made = (await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Post, $"/vms/{one.VmId}/actions/backup", new { repositoryId = shared }))).GetProperty("result");
        (made.GetProperty("kind").GetString(), made.GetProperty("readBytes").GetInt64()).ShouldBe(("incremental", 5L * 65536), "it built on the other console's point");
        await RestoreLab.UntilAsync(async () => (await one.Rest.GetAsync($"/recovery-points?vmId={one.VmId}")).GetProperty("total").GetInt32() == 2);

        // While the first restores a point, the second removes just that one and collects; a lock of the first's holds nothing there.
        var restore = await one.RestoreAsync(first.Id);
        await one.StepAsync(restore, "check");
        (await rest.SentAsync(HttpMethod.Delete, $"/recovery-points/{first.Id}")).Status.ShouldBe(HttpStatusCode.NoContent);
        var collected = (await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Post, $"/repositories/{shared}/actions/collect"))).GetProperty("result");
        collected.GetProperty("removedPacks").GetInt32().ShouldBe(0, collected.ToString());
        (await one.Rest.SentAsync(HttpMethod.Post, $"/operations/{restore}/actions/cancel")).Status.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.Accepted);
        (await one.Rest.EndedAsync(restore)).GetProperty("state").GetString().ShouldBe("cancelled");
        one.ShouldBeTidy();
        await one.ShouldHoldAsync(one.Contents());
        var newest = made.GetProperty("recoveryPointId").GetString();
        await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Post, $"/recovery-points/{newest}/actions/verify"));
        then.Count.ShouldBe(1);
    }
}
