using System.Net;
using Quarterdeck.Repositories;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>Every mode on real disks and a real libvirt, over REST, compared bit by bit.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class RestoreModesTests(SystemLibvirt libvirt)
{
    [Fact]
    public async Task An_incremental_restore_moves_only_the_difference_can_be_undone_and_the_next_backup_is_incremental()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "inc");
        await lab.MakeVmAsync(("vda", "qcow2", 48), ("vdb", "raw", 12));
        var point = await lab.BackUpAsync();
        var then = lab.Contents();

        await lab.WriteAsync("vda", 5 << 20, 300_000, 91);
        await lab.ZeroAsync("vda", 8 << 20, 1 << 20);
        await lab.WriteAsync("vdb", 4096, 70_000, 92);
        var changed = lab.Contents();
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/start"));

        var (status, plan) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = point.Id, mode = "incremental", plan = true });
        status.ShouldBe(HttpStatusCode.OK, plan.ToString());
        plan.GetProperty("refusals").GetArrayLength().ShouldBe(0, plan.ToString());
        plan.GetProperty("willStop").GetBoolean().ShouldBeTrue();
        plan.GetProperty("common").GetProperty("usable").GetBoolean().ShouldBeTrue(plan.ToString());

        var result = await lab.RestoredAsync(point.Id, more: new { start = false });
        (await lab.StateAsync()).ShouldBe("off");
        await lab.ShouldHoldAsync(then);
        lab.ShouldBeTidy();
        var chunks = Differing(changed, then);
        result.GetProperty("mode").GetString().ShouldBe("incremental");
        result.GetProperty("chunks").GetInt64().ShouldBe(chunks);
        result.GetProperty("writtenBytes").GetInt64().ShouldBe(chunks * Repository.ChunkSize);
        result.GetProperty("sentBytes").GetInt64().ShouldBeLessThanOrEqualTo(chunks * Repository.ChunkSize * 105 / 100);
        result.GetProperty("readBytes").GetInt64().ShouldBeLessThan(20 << 20, "vda is read by its changes, vdb whole");

        // Nothing was written since: the next backup must see that by the tracking, not by reading.
        await lab.WriteAsync("vda", 20 << 20, 65536, 93);
        var next = await lab.BackUpAsync();
        next.Kind.ShouldBe("incremental");
        next.ReadBytes.ShouldBeLessThanOrEqualTo((12 << 20) + 2 * Repository.ChunkSize, "all of the raw disk, and what changed of the other");

        await lab.RestoredAsync(result.GetProperty("commonPointId").GetGuid());
        await lab.ShouldHoldAsync(changed);
        lab.ShouldBeTidy();
    }

    [Fact]
    public async Task A_running_VM_runs_again_after_the_restore()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "run");
        await lab.MakeVmAsync(("vda", "qcow2", 8));
        var point = await lab.BackUpAsync();
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/start"));
        var operation = await lab.RestoreAsync(point.Id, more: new { shutdownSeconds = 1 });
        await lab.Rest.SucceededAsync(operation);
        (await lab.Rest.GetAsync($"/operations/{operation}/log")).ToString().ShouldContain("did not shut down within 1 s: its power is cut", customMessage: "nothing in it listens");
        (await lab.StateAsync()).ShouldBe("running");
    }

    [Theory]
    [InlineData("incremental")]
    [InlineData("full")]
    public async Task Saved_memory_never_resumes_over_restored_disks(string mode)
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "saved-" + mode);
        await lab.MakeVmAsync(("vda", "qcow2", 8));
        var point = await lab.BackUpAsync();
        var then = lab.Contents();
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/start"));
        await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "managedsave", lab.Name);
        await lab.WriteAsync("vda", 1 << 20, 100_000, 17);
        var (_, plan) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = point.Id, mode, plan = true });
        plan.GetProperty("notes").ToString().ShouldContain("memory was saved");
        (await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "dominfo", lab.Name)).ShouldMatch("Managed save: +yes");

        await lab.RestoredAsync(point.Id, mode);
        (await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "dominfo", lab.Name)).ShouldMatch("Managed save: +no");
        await lab.ShouldHoldAsync(then);
    }

    [Fact]
    public async Task Without_tracking_all_is_read_and_compared_and_only_the_difference_moves()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "lost");
        await lab.MakeVmAsync(("vda", "qcow2", 16));
        var point = await lab.BackUpAsync();
        var then = lab.Contents();
        await lab.WriteAsync("vda", 1 << 20, 200_000, 71);
        foreach (var bitmap in await BitmapsAsync(lab)) await SystemLibvirt.RunAsync("qemu-img", "bitmap", "--remove", "-f", "qcow2", lab.Disks["vda"].Path, bitmap);
        var (_, plan) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = point.Id, mode = "incremental", plan = true });
        plan.GetProperty("common").GetProperty("usable").GetBoolean().ShouldBeFalse();
        plan.GetProperty("readBytes").GetInt64().ShouldBe(12 << 20, "holes are not read");
        var result = await lab.RestoredAsync(point.Id);
        await lab.ShouldHoldAsync(then);
        result.GetProperty("readBytes").GetInt64().ShouldBeGreaterThan(10 << 20);
        result.GetProperty("sentBytes").GetInt64().ShouldBeLessThan(5 * Repository.ChunkSize);
        (await lab.BackUpAsync()).ReadBytes.ShouldBe(0);
    }

    [Fact]
    public async Task A_full_restore_replaces_the_disks_also_a_resized_one_and_a_deleted_VM_comes_back()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "full");
        await lab.MakeVmAsync(("vda", "qcow2", 16), ("vdb", "raw", 8));
        var point = await lab.BackUpAsync();
        var then = lab.Contents();
        await SystemLibvirt.RunAsync("qemu-img", "resize", "-q", "-f", "raw", lab.Disks["vdb"].Path, "12M");

        var (refused, problem) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = point.Id, mode = "incremental" });
        refused.ShouldBe(HttpStatusCode.Conflict, problem.ToString());
        problem.GetProperty("detail").GetString()!.ShouldContain("resized");

        var result = await lab.RestoredAsync(point.Id, "full");
        await lab.ShouldHoldAsync(then);
        lab.ShouldBeTidy();
        result.TryGetProperty("commonPointId", out _).ShouldBeFalse("there is nothing to undo it with");
        (await lab.BackUpAsync()).ReadBytes.ShouldBeLessThanOrEqualTo(8 << 20, "the tracking of the qcow2 disk begins with the restored point");

        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Delete, $"/vms/{lab.VmId}?disks=true"));
        foreach (var disk in lab.Disks.Values) File.Delete(disk.Path);
        await lab.RestoredAsync(point.Id, "full");
        (await lab.Rest.GetAsync($"/vms/{lab.VmId}")).GetProperty("name").GetString().ShouldBe(lab.Name);
        await lab.ShouldHoldAsync(then);
    }

    [Fact]
    public async Task A_new_VM_has_the_same_content_and_nothing_else_in_common()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "new");
        await lab.MakeVmAsync(("vda", "qcow2", 16), ("vdb", "raw", 8));
        var point = await lab.BackUpAsync();
        var then = lab.Contents();
        await lab.WriteAsync("vda", 0, 65536, 51);
        var now = lab.Contents();
        var (unnamed, problem) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = point.Id, mode = "new" });
        unnamed.ShouldBe(HttpStatusCode.UnprocessableEntity, problem.ToString());
        var (taken, _) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = point.Id, mode = "new", name = lab.Name });
        taken.ShouldBe(HttpStatusCode.Conflict);

        var result = await lab.RestoredAsync(point.Id, "new", new { name = lab.Name + "-2", start = true });
        var copy = await lab.Rest.GetAsync($"/vms/{result.GetProperty("vmId").GetString()}");
        copy.GetProperty("state").GetString().ShouldBe("running");
        copy.GetProperty("id").GetString().ShouldNotBe(lab.VmId);
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{result.GetProperty("vmId").GetString()}/actions/stop"));
        var paths = copy.GetProperty("disks").EnumerateArray().ToDictionary(d => d.GetProperty("target").GetString()!, d => d.GetProperty("path").GetString()!);
        await lab.ShouldHoldAsync(then, target => paths[target]);
        await lab.ShouldHoldAsync(now);
    }

    private static async Task<IReadOnlyList<string>> BitmapsAsync(RestoreLab lab)
    {
        var info = System.Text.Json.JsonDocument.Parse(await SystemLibvirt.RunAsync("qemu-img", "info", "--output=json", lab.Disks["vda"].Path)).RootElement;
        return [.. info.GetProperty("format-specific").GetProperty("data").GetProperty("bitmaps").EnumerateArray().Select(b => b.GetProperty("name").GetString()!)];
    }

    private static long Differing(Dictionary<string, byte[]> one, Dictionary<string, byte[]> other) => one.Sum(d =>
        (long)Enumerable.Range(0, d.Value.Length / Repository.ChunkSize).Count(c => !d.Value.AsSpan(c * Repository.ChunkSize, Repository.ChunkSize).SequenceEqual(other[d.Key].AsSpan(c * Repository.ChunkSize, Repository.ChunkSize))));
}
