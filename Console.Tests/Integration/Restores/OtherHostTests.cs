using System.Net;
using System.Text.Json;
using System.Xml.Linq;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>Two hosts, each with a libvirt of its own: VMs are restored to the other one, and move there by another tool's hand.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class OtherHostTests(SystemLibvirt libvirt)
{
    [Fact, Trait("Category", "Long")] // a second libvirt, and everything there once
    public async Task A_point_becomes_a_VM_of_another_host_and_a_VM_that_moves_there_while_it_is_backed_up_is_backed_up_there()
    {
        await using var elsewhere = await PrivateLibvirt.StartAsync();
        var images = await elsewhere.AddPoolAsync();
        await using var lab = await RestoreLab.StartAsync(libvirt, "two", more: new Dictionary<string, string> { ["Quarterdeck:Hosts:SocketRoots:0"] = elsewhere.SocketFolder });
        var (status, host) = await lab.Rest.SentAsync(HttpMethod.Post, "/hosts", new { name = "elsewhere", uri = elsewhere.Uri });
        status.ShouldBe(HttpStatusCode.Created, host.ToString());
        var there = host.GetProperty("id").GetString()!;
        await RestoreLab.UntilAsync(async () => (await lab.Rest.GetAsync($"/hosts/{there}")).GetProperty("state").GetString() == "connected");
        await lab.MakeVmAsync(("vda", "qcow2", 8));
        var point = await lab.BackUpAsync();
        var then = lab.Contents()["vda"];

        var made = await lab.RestoredAsync(point.Id, "new", new { name = lab.Name + "-there", hostId = there, start = true });
        var id = made.GetProperty("vmId").GetString()!;
        var vm = await lab.Rest.GetAsync($"/vms/{id}");
        (vm.GetProperty("hostId").GetString(), vm.GetProperty("state").GetString()).ShouldBe((there, "running"));
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{id}/actions/stop"));
        var disk = vm.GetProperty("disks")[0].GetProperty("path").GetString()!;
        Path.GetDirectoryName(disk).ShouldBe(images);
        (await HeldAsync(disk)).AsSpan().SequenceEqual(then).ShouldBeTrue();
        // It is a VM like any other there.
        var own = (await BackUpAsync(lab, id)).GetProperty("result").GetProperty("recoveryPointId").GetGuid();
        await SystemLibvirt.RunAsync("qemu-io", "-f", "qcow2", "-c", "write -P 7 100 70000", disk);
        await lab.RestoredAsync(own);
        (await HeldAsync(disk)).AsSpan().SequenceEqual(then).ShouldBeTrue();

        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/start"));
        var backup = await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/backup", new { full = true, bytesPerSecond = 1 << 20 });
        await RestoreLab.UntilAsync(async () => (await lab.Rest.GetAsync($"/operations/{backup}")).GetProperty("progress") is { ValueKind: JsonValueKind.Object } p && p.GetProperty("done").GetInt64() > 0);
        await MoveAsync(lab, elsewhere, images);
        var failed = await lab.Rest.EndedAsync(backup);
        // Between its end here and its removal it may have begun anew with the disk as it then was: that point is whole, and told of.
        if (failed.GetProperty("state").GetString() is not "warning") failed.GetProperty("problem").GetProperty("title").GetString().ShouldBe("The VM is gone");
        await RestoreLab.UntilAsync(async () => (await lab.Rest.SentAsync(HttpMethod.Get, $"/vms/{lab.VmId}")) is (HttpStatusCode.OK, var moved) && moved.GetProperty("hostId").GetString() == there);
        var next = (await BackUpAsync(lab, lab.VmId)).GetProperty("result");
        next.GetProperty("storedBytes").GetInt64().ShouldBeLessThan(1 << 20, "the repository has it all");
        await lab.RestoredAsync(point.Id);
        (await HeldAsync(Path.Combine(images, Path.GetFileName(lab.Disks["vda"].Path)))).AsSpan().SequenceEqual(then).ShouldBeTrue();
    }

    // As an administrator does it by hand, or another tool.
    private static async Task MoveAsync(RestoreLab lab, PrivateLibvirt elsewhere, string images)
    {
        var path = Path.Combine(images, Path.GetFileName(lab.Disks["vda"].Path));
        var xml = XElement.Parse(await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "dumpxml", "--inactive", "--domain", lab.Name));
        await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "destroy", lab.Name);
        await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "undefine", "--checkpoints-metadata", lab.Name);
        File.Copy(lab.Disks["vda"].Path, path);
        if (Environment.IsPrivilegedProcess) await SystemLibvirt.RunAsync("chown", "--reference", images, path);
        xml.Descendants("disk").Elements("source").Single(s => s.Attribute("file") is not null).SetAttributeValue("file", path);
        xml.Descendants("seclabel").Remove();
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, xml.ToString());
        await SystemLibvirt.RunAsync("virsh", "-c", elsewhere.Uri, "define", file);
        File.Delete(file);
    }

    private static async Task<JsonElement> BackUpAsync(RestoreLab lab, string vm)
    {
        var ended = await lab.Rest.EndedAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{vm}/actions/backup", new { repositoryId = lab.RepositoryId }));
        ended.GetProperty("state").GetString().ShouldBeOneOf("succeeded", "warning");
        return ended;
    }

    private static async Task<byte[]> HeldAsync(string image)
    {
        var raw = Path.GetTempFileName();
        await SystemLibvirt.RunAsync("qemu-img", "convert", "-f", "qcow2", "-O", "raw", image, raw);
        var held = await File.ReadAllBytesAsync(raw);
        File.Delete(raw);
        return held;
    }
}
