using System.Diagnostics;
using Quarterdeck.Backups.Capture;
using Quarterdeck.Repositories;
using Quarterdeck.Tests.Backups;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Backups;

/// <summary>A Linux guest that writes to its ext4 file system without end, and its agent: what the point says about it is what the file system in the point is.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class GuestAgentTests(SystemLibvirt libvirt)
{
    private const string Channel = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>";
    private static readonly CancellationToken None = CancellationToken.None;

    private async Task<BackupLab> GuestAsync(string name, string agent)
    {
        var lab = await BackupLab.StartAsync(libvirt, name);
        var (initrd, raw) = (lab.File("initrd"), lab.File("fs.raw"));
        await SystemLibvirt.RunAsync(Path.Combine(TestConsole.RepositoryRoot, "Console.Tests", "Support", "agent-guest.sh"), initrd);
        await lab.AddDiskAsync("vda", 48);
        await SystemLibvirt.RunAsync("/usr/sbin/mke2fs", "-q", "-t", "ext4", "-F", raw, "48M");
        await SystemLibvirt.RunAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, lab.Disks["vda"].Path);
        var kernel = Directory.GetFiles("/boot", "vmlinuz-*-cloud-amd64").Order(StringComparer.Ordinal).Last();
        await lab.DefineAsync(Channel, $"<kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>quiet agent={agent}</cmdline>", memoryMiB: 192);
        await lab.StartVmAsync();
        await BackupLab.UntilAsync(async () => DomainDisks.Read(await lab.Hypervisor.XmlAsync(lab.Domain, None)).HasAgent, 90);
        return lab;
    }

    /// <summary>Whether the file system in a point was in the middle of something, by its own word; it must be sound in either case.</summary>
    private static async Task<bool> NeedsRecoveryAsync(BackupLab lab, Guid point)
    {
        var raw = lab.File($"{point:N}.raw");
        await File.WriteAllBytesAsync(raw, await lab.ReadPointAsync(point, "vda"));
        var recovery = (await SystemLibvirt.RunAsync("/usr/sbin/dumpe2fs", "-h", raw)).Contains("needs_recovery", StringComparison.Ordinal);
        if (recovery)
        {
            using var replay = Process.Start(new ProcessStartInfo("/usr/sbin/e2fsck", ["-p", raw]) { RedirectStandardOutput = true })!;
            await replay.StandardOutput.ReadToEndAsync();
            await replay.WaitForExitAsync();
            replay.ExitCode.ShouldBeLessThan(4, "the journal was replayed, and that is all it takes");
        }
        await SystemLibvirt.RunAsync("/usr/sbin/e2fsck", "-f", "-n", raw);
        return recovery;
    }

    [Fact]
    public async Task A_guest_whose_agent_answers_is_frozen_for_the_moment_and_writes_on()
    {
        await using var lab = await GuestAsync("agent", "live");
        var crash = await lab.TakeAsync(new Quarterdeck.Backups.TakeOptions(Quarterdeck.Backups.TakeKind.Regular) { Freeze = false });
        crash.Consistency.ShouldBe(PointConsistency.Crash);
        (await NeedsRecoveryAsync(lab, crash.RecoveryPointId)).ShouldBeTrue("else the next line would prove nothing");

        var operation = new TestOperation();
        var frozen = await lab.TakeAsync(operation: operation);
        frozen.Consistency.ShouldBe(PointConsistency.Filesystem, string.Join(' ', frozen.Notes));
        operation.Lines.ShouldContain(l => l.Contains("froze 1 file system"));
        operation.Warnings.ShouldBeEmpty();
        (await NeedsRecoveryAsync(lab, frozen.RecoveryPointId)).ShouldBeFalse();

        // The console died right after it froze the guest: the next attempt lets it go on before it begins anew.
        await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "domfsfreeze", lab.Name);
        var resumed = new TestOperation { Attempt = 2 };
        var third = await lab.TakeAsync(operation: resumed);
        third.Consistency.ShouldBe(PointConsistency.Filesystem, string.Join(' ', third.Notes));
        (await NeedsRecoveryAsync(lab, third.RecoveryPointId)).ShouldBeFalse();
        await BackupLab.UntilAsync(async () => (await lab.TakeAsync()).ReadBytes > 0); // it writes on
    }

    [Fact, Trait("Category", "Long")] // libvirt waits for the agent twice
    public async Task A_guest_whose_agent_says_nothing_is_backed_up_all_the_same_and_the_point_says_why_it_is_not_frozen()
    {
        await using var lab = await GuestAsync("deaf", "deaf");
        var operation = new TestOperation();
        var point = await lab.TakeAsync(operation: operation);
        point.Consistency.ShouldBe(PointConsistency.Crash);
        point.Notes.ShouldHaveSingleItem().ShouldContain("did not freeze");
        await NeedsRecoveryAsync(lab, point.RecoveryPointId);
        await lab.ShouldBeTidyAsync(point.RecoveryPointId);
    }
}
