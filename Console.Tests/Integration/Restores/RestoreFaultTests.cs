using System.Net;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>What goes wrong around a restore, on real disks: nothing is ever half of one state and half of the other.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class RestoreFaultTests(SystemLibvirt libvirt)
{
    [Fact]
    public async Task While_it_is_unfinished_nobody_can_start_the_VM_and_a_cancellation_takes_it_back_and_starts_the_VM_that_ran()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "cancel", holdAt: "vm.restore/write@end");
        await lab.MakeVmAsync(("vda", "qcow2", 16));
        var point = await lab.BackUpAsync();
        await lab.WriteAsync("vda", 1 << 20, 900_000, 61);
        var present = lab.Contents();
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/start"));

        var operation = await lab.RestoreAsync(point.Id);
        await lab.StepAsync(operation, "write");
        await UntilAsync(() => !File.Exists(lab.Disks["vda"].Path));
        (await Should.ThrowAsync<InvalidOperationException>(() => SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "start", lab.Name))).Message.ShouldContain("No such file");
        (await lab.Rest.SentAsync(HttpMethod.Post, $"/operations/{operation}/actions/cancel")).Status.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.Accepted);
        (await lab.Rest.EndedAsync(operation)).GetProperty("state").GetString().ShouldBe("cancelled");
        (await lab.StateAsync()).ShouldBe("running");
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/stop"));
        await lab.ShouldHoldAsync(present);
        lab.ShouldBeTidy();
        (await lab.BackUpAsync()).ReadBytes.ShouldBe(0, "changes are tracked from the common snapshot");
    }

    [Fact]
    public async Task A_damaged_repository_stops_it_before_the_VM_is_shut_down_and_names_the_points()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "flip");
        await lab.MakeVmAsync(("vda", "qcow2", 16));
        var point = await lab.BackUpAsync();
        foreach (var file in Directory.EnumerateFiles(lab.RepositoryFolder, "*", SearchOption.AllDirectories).Where(f => new FileInfo(f).Length > 1 << 20)) Flip(file);
        await lab.WriteAsync("vda", 0, 12 << 20, 62);
        var present = lab.Contents();
        await lab.BackUpAsync();
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/start"));

        var ended = await lab.Rest.EndedAsync(await lab.RestoreAsync(point.Id));
        ended.GetProperty("state").GetString().ShouldBe("failed", ended.ToString());
        var detail = ended.GetProperty("problem").GetProperty("detail").GetString()!;
        detail.ShouldContain("Nothing was restored");
        detail.ShouldContain(point.Id.ToString());
        foreach (var mode in new[] { "full", "new" })
        {
            var other = await lab.Rest.EndedAsync(await lab.RestoreAsync(point.Id, mode, mode == "new" ? new { name = lab.Name + "-2" } : null));
            other.GetProperty("state").GetString().ShouldBe("failed", other.ToString());
            other.GetProperty("problem").GetProperty("detail").GetString()!.ShouldContain(point.Id.ToString());
        }
        (await lab.StateAsync()).ShouldBe("running", "it was not even shut down");
        LocalLibvirt.Domains().ShouldNotContain(lab.Name + "-2");
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/stop"));
        await lab.ShouldHoldAsync(present);
        lab.ShouldBeTidy();
    }

    [Fact]
    public async Task A_repository_that_goes_away_before_the_first_write_leaves_the_disks_alone()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "away");
        await lab.MakeVmAsync(("vda", "qcow2", 8));
        var point = await lab.BackUpAsync();
        await lab.WriteAsync("vda", 0, 300_000, 63);
        var present = lab.Contents();
        Directory.Move(lab.RepositoryFolder, lab.RepositoryFolder + ".gone");
        try
        {
            var (status, problem) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = point.Id, mode = "incremental" });
            status.ShouldBeOneOf(HttpStatusCode.ServiceUnavailable, HttpStatusCode.Conflict);
            problem.GetProperty("detail").GetString().ShouldNotBeNullOrEmpty();
        }
        finally { Directory.Move(lab.RepositoryFolder + ".gone", lab.RepositoryFolder); }
        await lab.ShouldHoldAsync(present);
        await lab.RestoredAsync(point.Id);
    }

    [Fact]
    public async Task Requests_that_make_no_sense_are_refused_with_the_field_and_the_remedy()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "bad");
        await lab.MakeVmAsync(("vda", "qcow2", 4));
        var point = (await lab.BackUpAsync()).Id;
        foreach (var (body, field) in new (object, string)[]
        {
            (new { recoveryPointId = Guid.NewGuid(), mode = "incremental" }, "recoveryPointId"),
            (new { recoveryPointId = point, mode = "sideways" }, "mode"),
            (new { recoveryPointId = point, mode = "incremental", name = "x" }, "name"),
            (new { recoveryPointId = point, mode = "new", name = "a/b" }, "name"),
            (new { recoveryPointId = point, mode = "incremental", hostId = Guid.NewGuid() }, "hostId"),
            (new { recoveryPointId = point, mode = "new", name = "x", hostId = Guid.NewGuid() }, "hostId"),
            (new { recoveryPointId = point, mode = "full", shutdownSeconds = 4000 }, "shutdownSeconds"),
            (new { mode = "full" }, "recoveryPointId"),
        })
        {
            var (status, problem) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", body);
            status.ShouldBe(HttpStatusCode.UnprocessableEntity, $"{body}: {problem}");
            problem.GetProperty("errors").ToString().ShouldContain(field);
        }
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Delete, $"/vms/{lab.VmId}"));
        var (gone, why) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = point, mode = "incremental" });
        gone.ShouldBe(HttpStatusCode.Conflict);
        why.GetProperty("detail").GetString()!.ShouldContain("full restore");
    }

    [Fact]
    public async Task A_disk_added_since_stays_and_a_removed_one_is_refused_in_words()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "disks");
        await lab.MakeVmAsync(("vda", "qcow2", 8), ("vdb", "qcow2", 4));
        var both = await lab.BackUpAsync();
        await lab.RedefineAsync(xml => xml.Descendants("disk").First(d => (string?)d.Element("target")?.Attribute("dev") == "vdb").Remove());
        var (status, problem) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = both.Id, mode = "incremental" });
        status.ShouldBe(HttpStatusCode.Conflict, problem.ToString());
        problem.GetProperty("detail").GetString()!.ShouldContain("vdb");

        var one = await lab.BackUpAsync();
        await lab.WriteAsync("vda", 0, 100_000, 64);
        var added = lab.Disks["vdb"];
        await lab.RedefineAsync(xml => xml.Element("devices")!.Add(System.Xml.Linq.XElement.Parse($"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{added.Path}'/><target dev='vdb' bus='virtio'/></disk>")));
        await lab.RestoredAsync(one.Id);
        await lab.ShouldHoldAsync(new Dictionary<string, byte[]> { ["vdb"] = added.Content });
    }

    private static void Flip(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        for (var at = 5000L; at < stream.Length - 100_000; at += 50_000)
        {
            stream.Position = at;
            var old = stream.ReadByte();
            stream.Position = at;
            stream.WriteByte((byte)(old ^ 0x40));
        }
    }

    private static async Task UntilAsync(Func<bool> wanted)
    {
        for (var until = DateTime.UtcNow.AddSeconds(60); !wanted(); await Task.Delay(30))
            if (DateTime.UtcNow > until) throw new TimeoutException();
    }
}
