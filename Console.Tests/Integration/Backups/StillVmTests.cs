using Quarterdeck.Backups;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Tests.Backups;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Backups;

/// <summary>VMs that are off, and VMs whose state changes while they are read.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class StillVmTests(SystemLibvirt libvirt)
{
    private const int MiB = 1 << 20;
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task A_vm_that_is_off_is_read_and_its_changes_are_tracked_over_starts_and_stops()
    {
        await using var lab = await BackupLab.StartAsync(libvirt, "off");
        await lab.AddDiskAsync("vda", 32);
        await lab.AddDiskAsync("vdb", 8, "raw");
        await lab.AddDiskAsync("vdc", 8, options: "compat=0.10");
        var nvram = lab.File("vars.fd");
        await File.WriteAllBytesAsync(nvram, [.. Enumerable.Range(0, 5000).Select(i => (byte)i)]);
        await lab.DefineAsync();
        var first = await lab.TakeAsync();
        (first.Kind, first.Consistency, first.Disks[0].ReadBytes).ShouldBe((PointKind.Full, PointConsistency.Filesystem, 0L));
        await lab.ShouldHoldAsync(first.RecoveryPointId, lab.Content());
        (await lab.BitmapsAsync("vda")).ShouldHaveSingleItem();

        await lab.StartVmAsync();
        await lab.WriteAsync("vda", MiB + 3, 65536, 1);
        await lab.WriteAsync("vdb", MiB, 65536, 2);
        await lab.WriteAsync("vdc", MiB, 65536, 3);
        await lab.StopVmAsync();
        var second = await lab.TakeAsync();
        (second.Kind, second.Consistency).ShouldBe((PointKind.Incremental, PointConsistency.Crash)); // its power was cut
        second.Disks.ToDictionary(d => d.Target, d => d.Incremental).ShouldBe(new Dictionary<string, bool> { ["vda"] = true, ["vdb"] = false, ["vdc"] = false });
        second.Disks[0].ReadBytes.ShouldBeLessThanOrEqualTo(2 * 65536); // the server names the hole behind the written bytes
        await lab.ShouldHoldAsync(second.RecoveryPointId, lab.Content());
        await lab.ShouldBeTidyAsync(second.RecoveryPointId);

        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 5 * MiB, 65536, 4);
        var third = await lab.TakeAsync();
        third.Disks[0].ReadBytes.ShouldBe(65536);
        await lab.ShouldHoldAsync(third.RecoveryPointId, lab.Content());
        await lab.ShouldBeTidyAsync(third.RecoveryPointId);
        await lab.StopVmAsync();
        (await lab.Tracking.StateAsync(await lab.LocateAsync(), None)).ShouldSatisfyAllConditions(s => s.PointId.ShouldBe(third.RecoveryPointId), s => s.Usable.ShouldBeTrue());
        var fourth = await lab.TakeAsync();
        fourth.Disks[0].ReadBytes.ShouldBe(0);
        await lab.ShouldHoldAsync(fourth.RecoveryPointId, lab.Content());
    }

    [Fact]
    public async Task Images_that_stand_on_others_are_read_through_and_a_snapshot_since_the_last_point_is_noticed()
    {
        await using var lab = await BackupLab.StartAsync(libvirt, "chain");
        await lab.AddDiskAsync("vda", 16);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 0, MiB, 1);
        var first = await lab.TakeAsync();
        await lab.WriteAsync("vda", 3 * MiB, 65536, 2);
        var over = lab.File("over.qcow2");
        await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "snapshot-create-as", lab.Name, "s", "--disk-only", "--no-metadata", "--diskspec", $"vda,file={over}");
        await lab.WriteAsync("vda", 5 * MiB, 65536, 3);
        await lab.StopVmAsync();
        lab.Disks["vda"].Path = over;
        var second = await lab.TakeAsync();
        second.Notes.ShouldHaveSingleItem().ShouldContain("a snapshot was taken");
        await lab.ShouldHoldAsync(first.RecoveryPointId, new Dictionary<string, byte[]> { ["vda"] = [.. Enumerable.Repeat((byte)1, MiB), .. new byte[15 * MiB]] });
        await lab.ShouldHoldAsync(second.RecoveryPointId, lab.Content());
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 7 * MiB, 65536, 4);
        await lab.StopVmAsync();
        var third = await lab.TakeAsync();
        third.ReadBytes.ShouldBe(65536);
        await lab.ShouldHoldAsync(third.RecoveryPointId, lab.Content());
    }

    [Fact]
    public async Task The_common_point_of_a_restore_reads_changes_and_leaves_the_tracking_alone_until_it_starts_anew()
    {
        await using var lab = await BackupLab.StartAsync(libvirt, "common");
        await lab.AddDiskAsync("vda", 16);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 0, MiB, 1);
        var first = await lab.TakeAsync();
        await lab.WriteAsync("vda", 4 * MiB, 2 * 65536, 2);
        await lab.StopVmAsync();
        var common = await lab.TakeAsync(new TakeOptions(TakeKind.Common) { ExpiresAt = DateTimeOffset.UtcNow.AddDays(1) });
        common.ReadBytes.ShouldBe(2 * 65536);
        await lab.ShouldBeTidyAsync(first.RecoveryPointId);
        var again = await lab.TakeAsync(new TakeOptions(TakeKind.Common));
        again.Disks[0].Root.ShouldBe(common.Disks[0].Root);

        await lab.Tracking.RestartAsync(await lab.LocateAsync(), common.RecoveryPointId, None);
        await lab.ShouldBeTidyAsync(common.RecoveryPointId);
        (await lab.Tracking.StateAsync(await lab.LocateAsync(), None)).ShouldBe(new TrackingState(common.RecoveryPointId, true, "Changes are tracked.", null));
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 8 * MiB, 65536, 3);
        (await lab.Tracking.StateAsync(await lab.LocateAsync(), None)).ShouldBe(new TrackingState(common.RecoveryPointId, true, "Changes are tracked.", 65536));
        var next = await lab.TakeAsync();
        next.ReadBytes.ShouldBe(65536);
        await lab.ShouldHoldAsync(next.RecoveryPointId, lab.Content());
    }

    [Theory]
    [InlineData("stopped")]
    [InlineData("killed")]
    public async Task A_vm_that_goes_off_while_it_is_read_is_read_on_as_it_is_then(string how)
    {
        await using var lab = await BackupLab.StartAsync(libvirt, how);
        await lab.AddDiskAsync("vda", 32);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 0, MiB, 1);
        await lab.TakeAsync();
        await lab.WriteAsync("vda", 4 * MiB, 16 * MiB, 2);
        var reading = new TaskCompletionSource();
        var operation = new TestOperation { OnProgress = done => { if (done > MiB) reading.TrySetResult(); } };
        var taking = lab.TakeAsync(new TakeOptions(TakeKind.Regular) { BytesPerSecond = 8 * MiB }, operation);
        await reading.Task.WaitAsync(TimeSpan.FromSeconds(60));
        if (how == "killed") await lab.KillQemuAsync();
        else await lab.StopVmAsync();
        var point = await taking;
        operation.Lines.ShouldContain(l => l.Contains("Beginning anew"));
        await lab.ShouldHoldAsync(point.RecoveryPointId, lab.Content());
        await lab.ShouldBeTidyAsync(point.RecoveryPointId);
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 30 * MiB, 65536, 3);
        (await lab.TakeAsync()).ReadBytes.ShouldBe(65536);
    }

    [Fact]
    public async Task A_vm_that_is_deleted_while_it_is_read_fails_the_backup_and_keeps_the_points_before()
    {
        await using var lab = await BackupLab.StartAsync(libvirt, "gone");
        await lab.AddDiskAsync("vda", 16);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 0, 8 * MiB, 1);
        var first = await lab.TakeAsync();
        var then = lab.Content();
        await lab.WriteAsync("vda", 0, 8 * MiB, 2);
        var reading = new TaskCompletionSource();
        var operation = new TestOperation { OnProgress = done => { if (done > MiB) reading.TrySetResult(); } };
        var taking = lab.TakeAsync(new TakeOptions(TakeKind.Regular) { BytesPerSecond = 4 * MiB }, operation);
        await reading.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await lab.StopVmAsync();
        await lab.Hypervisor.UndefineAsync(lab.Domain, None);
        (await Should.ThrowAsync<ProblemException>(taking)).Problem.Title.ShouldBe("The VM is gone");
        await using var repository = await lab.Repository.OpenAsync();
        (await repository.PointsAsync(None)).Select(p => p.Id).ShouldBe([first.RecoveryPointId]);
        await lab.ShouldHoldAsync(first.RecoveryPointId, then);
    }

    [Fact]
    public async Task What_a_killed_console_left_on_the_host_is_removed_before_the_backup_begins_anew()
    {
        await using var lab = await BackupLab.StartAsync(libvirt, "left");
        await lab.AddDiskAsync("vda", 16);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 0, MiB, 1);
        var first = await lab.TakeAsync();
        await lab.WriteAsync("vda", 3 * MiB, 65536, 2);
        var operation = new TestOperation();
        var point = await operation.StepAsync("backup-point", "", _ => Task.FromResult(Guid.CreateVersion7()));
        await using (var repository = await lab.Repository.OpenAsync())
            await Quarterdeck.Backups.Capture.RunningCapture.BeginAsync(lab.Parts, new(await lab.LocateAsync(), repository, point, new TakeOptions(TakeKind.Regular), operation), None); // and no end
        (await lab.CheckpointsAsync()).Count.ShouldBe(2);
        await lab.WriteAsync("vda", 5 * MiB, 65536, 3);

        operation.Attempt = 2;
        var second = await lab.TakeAsync(null, operation);
        second.RecoveryPointId.ShouldBe(point);
        second.ReadBytes.ShouldBe(2 * 65536);
        await lab.ShouldHoldAsync(point, lab.Content());
        await lab.ShouldBeTidyAsync(point);
        var committed = await lab.TakeAsync(null, operation); // as when the console died right after the commit
        committed.RecoveryPointId.ShouldBe(point);
        first.RecoveryPointId.ShouldNotBe(point);
    }

    [Fact]
    public async Task A_backup_job_of_somebody_else_is_left_alone()
    {
        await using var lab = await BackupLab.StartAsync(libvirt, "foreign");
        await lab.AddDiskAsync("vda", 16);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        var socket = Path.Combine(Path.GetDirectoryName(Quarterdeck.Backups.Capture.QemuFolder.SocketFor((await lab.LocateAsync()).Vm, lab.Domain, default))!, "foreign");
        await lab.Parts.Images.CreateAsync(lab.File("foreign.scr"), 16 * MiB, None);
        await lab.Hypervisor.BeginBackupAsync(lab.Domain, $"<domainbackup mode='pull'><server transport='unix' socket='{socket}'/><disks><disk name='vda' backup='yes' type='file'><driver type='qcow2'/><scratch file='{lab.File("foreign.scr")}'/></disk></disks></domainbackup>", null, None);
        (await Should.ThrowAsync<ProblemException>(lab.TakeAsync())).Problem.Title.ShouldBe("Another backup of the VM runs");
        (await lab.Hypervisor.BackupJobAsync(lab.Domain, None)).ShouldNotBeNull();
        await lab.Hypervisor.AbortJobAsync(lab.Domain, None);
    }
}
