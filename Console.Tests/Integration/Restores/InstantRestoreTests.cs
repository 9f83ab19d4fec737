using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Xml.Linq;
using Quarterdeck.Repositories;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>VMs that run out of the repository before their data is there, on a real libvirt; what the guest would write is written through QEMU's monitor.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class InstantRestoreTests(SystemLibvirt libvirt)
{
    [Fact]
    public async Task Another_VM_runs_at_once_and_becomes_independent()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "ins");
        await lab.MakeVmAsync(("vda", "qcow2", 24), ("vdb", "raw", 8));
        var point = await lab.BackUpAsync();
        var then = lab.Contents();

        var (unnamed, problem) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = point.Id, mode = "instant" });
        unnamed.ShouldBe(HttpStatusCode.UnprocessableEntity, problem.ToString());
        problem.GetProperty("errors").ToString().ShouldContain("name");
        var (status, plan) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = point.Id, mode = "instant", plan = true });
        status.ShouldBe(HttpStatusCode.OK, plan.ToString());
        (plan.GetProperty("refusals").GetArrayLength(), plan.GetProperty("willStart").GetBoolean()).ShouldBe((0, true), plan.ToString());

        var result = await lab.RestoredAsync(point.Id, "instant", new { name = lab.Name + "-now", shutdownSeconds = (int?)null });
        result.GetProperty("mode").GetString().ShouldBe("instant");
        var other = new InstantLab(lab, result.GetProperty("vmId").GetString()!, lab.Name + "-now");
        (await other.StateAsync()).ShouldBe("running");
        (await other.XmlAsync()).Descendants("source").Any(s => (string?)s.Attribute("protocol") == "nbd").ShouldBeFalse("nothing may be left of the repository");
        InstantLab.Shims(other.VmId).ShouldBeEmpty();
        await other.WriteAsync("vda", 100, 70_000, 7);
        await other.StopAsync();
        then["vda"].AsSpan(100, 70_000).Fill(7);
        await other.ShouldHoldAsync(then);
    }

    [Fact]
    public async Task A_VM_that_is_gone_is_itself_again_and_its_next_backup_reads_only_what_the_guest_wrote()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "again");
        await lab.MakeVmAsync(("vda", "qcow2", 16));
        var point = await lab.BackUpAsync();
        var then = lab.Contents();
        await RemoveAsync(lab);
        await lab.RestoredAsync(point.Id, "instant", new { shutdownSeconds = (int?)null });
        var again = new InstantLab(lab, lab.VmId, lab.Name);
        (await again.StateAsync()).ShouldBe("running");
        await again.WriteAsync("vda", 100, 70_000, 7);
        await again.StopAsync();
        then["vda"].AsSpan(100, 70_000).Fill(7);
        await again.ShouldHoldAsync(then);
        var next = await lab.BackUpAsync();
        next.Kind.ShouldBe("incremental");
        next.ReadBytes.ShouldBeLessThanOrEqualTo(4 * Repository.ChunkSize, "moving the data is no change");
        await lab.RestoredAsync(point.Id);
    }

    [Fact]
    public async Task The_data_of_a_VM_that_is_off_moves_too()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "still");
        await lab.MakeVmAsync(("vda", "qcow2", 8));
        var point = await lab.BackUpAsync();
        var then = lab.Contents();
        await RemoveAsync(lab);
        await lab.RestoredAsync(point.Id, "instant", new { start = false, shutdownSeconds = (int?)null });
        var again = new InstantLab(lab, lab.VmId, lab.Name);
        (await again.StateAsync()).ShouldBe("off");
        await again.ShouldHoldAsync(then);
        (await again.XmlAsync()).Descendants("source").Any(s => (string?)s.Attribute("protocol") == "nbd").ShouldBeFalse();
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/start"));
    }

    private static async Task RemoveAsync(RestoreLab lab)
    {
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Delete, $"/vms/{lab.VmId}?disks=true"));
        foreach (var disk in lab.Disks.Values) File.Delete(disk.Path);
    }

    [Fact]
    public async Task While_its_data_moves_it_can_be_powered_but_not_backed_up_and_a_cancellation_removes_it()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "held", holdAt: "vm.restore/pull@begin");
        await lab.MakeVmAsync(("vda", "qcow2", 16));
        var point = await lab.BackUpAsync();
        var operation = await lab.RestoreAsync(point.Id, "instant", new { name = lab.Name + "-now", shutdownSeconds = (int?)null });
        await lab.StepAsync(operation, "pull");
        var other = new InstantLab(lab, await lab.TargetAsync(operation), lab.Name + "-now");
        (await other.StateAsync()).ShouldBe("running");
        await other.WriteAsync("vda", 5000, 3000, 9);
        await other.StopAsync();
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{other.VmId}/actions/start"));
        var backup = await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{other.VmId}/actions/backup", new { repositoryId = lab.RepositoryId });
        (await lab.Rest.GetAsync($"/operations/{backup}")).GetProperty("state").GetString().ShouldBe("queued");
        await lab.Rest.SentAsync(HttpMethod.Post, $"/operations/{backup}/actions/cancel");
        await lab.Rest.SentAsync(HttpMethod.Post, $"/operations/{operation}/actions/cancel");
        (await lab.Rest.EndedAsync(operation)).GetProperty("state").GetString().ShouldBe("cancelled");
        (await lab.Rest.SentAsync(HttpMethod.Get, $"/vms/{other.VmId}")).Status.ShouldBe(HttpStatusCode.NotFound);
        InstantLab.Shims(other.VmId).ShouldBeEmpty();
        Directory.EnumerateFiles(RestoreLab.Images, $"*{lab.Name}-now*").ShouldBeEmpty();
    }
}

/// <summary>A VM that an instant restore made.</summary>
internal sealed class InstantLab(RestoreLab lab, string vmId, string name)
{
    public string VmId => vmId;

    public async Task<string> StateAsync() => (await lab.Rest.GetAsync($"/vms/{vmId}")).GetProperty("state").GetString()!;

    public async Task StopAsync() => await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{vmId}/actions/stop"));

    public async Task<XElement> XmlAsync(bool inactive = false) =>
        XElement.Parse(await SystemLibvirt.RunAsync("virsh", ["-c", SystemLibvirt.Uri, "dumpxml", .. inactive ? ["--inactive"] : Array.Empty<string>(), "--domain", name]));

    /// <summary>Fills a range of a disk with a byte, as the guest would; waits as long as the guest would wait.</summary>
    public Task WriteAsync(string target, long offset, int length, byte value) => AskAsync(target, $"write -P {value} {offset} {length}");

    /// <summary>Puts on the medium what was written, as the guest would.</summary>
    public Task FlushAsync(string target) => AskAsync(target, "flush");

    /// <summary>Kills QEMU as the kernel would, and waits until libvirt has noticed.</summary>
    public async Task KillQemuAsync()
    {
        await SystemLibvirt.RunAsync("kill", "-9", (await File.ReadAllTextAsync($"/run/libvirt/qemu/{name}.pid")).Trim());
        await RestoreLab.UntilAsync(async () => (await VirshAsync("domstate", name)).Trim() == "shut off");
    }

    /// <summary>Makes libvirt know of the VM, which is off, what it would after a boot of its host.</summary>
    /// <param name="autostart">Whether libvirt has tried to start it, before anything served its disks.</param>
    public async Task AsAfterBootAsync(bool autostart)
    {
        if (autostart)
        {
            await Should.ThrowAsync<InvalidOperationException>(VirshAsync("start", name));
            return;
        }
        // Why it is off is known to nobody any more.
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, (await XmlAsync(inactive: true)).ToString());
        await VirshAsync("undefine", "--checkpoints-metadata", name);
        await VirshAsync("define", file);
        File.Delete(file);
    }

    private async Task AskAsync(string target, string command)
    {
        var alias = (string)(await XmlAsync()).Descendants("disk").First(d => (string?)d.Element("target")?.Attribute("dev") == target).Element("alias")!.Attribute("name")!;
        var answer = await VirshAsync("qemu-monitor-command", "--hmp", "--domain", name, $"qemu-io -d /machine/peripheral/{alias}/virtio-backend \"{command}\"");
        if (answer.Contains("rror", StringComparison.Ordinal) || answer.Contains("failed", StringComparison.Ordinal)) throw new InvalidOperationException(answer);
    }

    private static Task<string> VirshAsync(params string[] arguments) => SystemLibvirt.RunAsync("virsh", ["-c", SystemLibvirt.Uri, .. arguments]);

    /// <summary>Compares its own images with what they should hold, bit by bit; the VM is off.</summary>
    public async Task ShouldHoldAsync(IReadOnlyDictionary<string, byte[]> expected)
    {
        foreach (var disk in (await XmlAsync(inactive: true)).Descendants("disk").Where(d => d.Element("source") is not null))
        {
            var (target, path) = ((string)disk.Element("target")!.Attribute("dev")!, (string)disk.Element("source")!.Attribute("file")!);
            var info = JsonDocument.Parse(await SystemLibvirt.RunAsync("qemu-img", "info", "--output=json", "-f", "qcow2", path)).RootElement;
            info.TryGetProperty("backing-filename", out _).ShouldBeFalse($"{target} still stands on the repository");
            var held = await HeldAsync(target);
            held.Length.ShouldBe(expected[target].Length, target);
            held.AsSpan().CommonPrefixLength(expected[target]).ShouldBe(held.Length, $"{target} differs at this byte");
        }
    }

    /// <summary>What a disk's image holds; the VM is off.</summary>
    public async Task<byte[]> HeldAsync(string target)
    {
        var path = (string)(await XmlAsync(inactive: true)).Descendants("disk").First(d => (string?)d.Element("target")?.Attribute("dev") == target).Element("source")!.Attribute("file")!;
        var raw = Path.GetTempFileName();
        await SystemLibvirt.RunAsync("qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, raw);
        var held = await File.ReadAllBytesAsync(raw);
        File.Delete(raw);
        return held;
    }

    /// <summary>Ids of the programs between the VM's QEMU and the console.</summary>
    public static IReadOnlyList<int> Shims(string vmId) =>
    [
        .. from folder in Directory.EnumerateDirectories("/proc")
           let id = int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : 0
           where id > 0 && CommandOf(folder) is { } command && command.Contains("nbdkit", StringComparison.Ordinal) && command.Contains($"vm-{Guid.Parse(vmId):N}-", StringComparison.Ordinal)
           select id,
    ];

    private static string? CommandOf(string folder)
    {
        try { return File.ReadAllText(folder + "/cmdline"); }
        catch (IOException) { return null; }
    }
}
