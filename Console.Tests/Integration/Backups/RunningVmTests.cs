using Quarterdeck.Backups;
using Quarterdeck.Repositories;
using Quarterdeck.Tests.Backups;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Backups;

/// <summary>Points of running VMs on real QEMU, each compared byte by byte with what the disks held.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class RunningVmTests(SystemLibvirt libvirt)
{
    private const int MiB = 1 << 20, Chunk = Repository.ChunkSize;

    [Fact]
    public async Task Points_hold_all_disks_as_they_were_and_read_only_what_changed()
    {
        await using var lab = await BackupLab.StartAsync(libvirt, "run");
        await lab.AddDiskAsync("vda", 64);
        await lab.AddDiskAsync("vdb", 16, "raw");
        await lab.DefineAsync("<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk><controller type='sata' index='0'/>");
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 0, 5 * MiB, 1);
        await lab.WriteAsync("vdb", 3 * MiB, MiB, 2);
        var first = await lab.TakeAsync();
        first.Kind.ShouldBe(PointKind.Full);
        first.Consistency.ShouldBe(PointConsistency.Crash);
        first.Notes.ShouldBeEmpty();
        var atFirst = lab.Content();

        await lab.WriteAsync("vda", 20 * MiB + 5000, 16 * MiB, 3);
        await lab.WriteAsync("vda", 0, 4096, 0);
        var before = await lab.QemuReadBytesAsync();
        var second = await lab.TakeAsync();
        var read = await lab.QemuReadBytesAsync() - before;
        second.Kind.ShouldBe(PointKind.Incremental);
        var vda = second.Disks.Single(d => d.Target == "vda");
        vda.ReadBytes.ShouldBe(16 * MiB + 2 * Chunk); // what the write touched, its last chunk, and the first of all
        second.Disks.Single(d => d.Target == "vdb").Incremental.ShouldBeFalse();
        ((double)read).ShouldBeInRange(second.ReadBytes * 0.95, second.ReadBytes * 1.05);
        second.Notes.ShouldHaveSingleItem().ShouldContain("raw images cannot track changes");

        await lab.ShouldHoldAsync(first.RecoveryPointId, atFirst);
        await lab.ShouldHoldAsync(second.RecoveryPointId, lab.Content());
        await lab.ShouldBeTidyAsync(second.RecoveryPointId);
    }

    [Fact]
    public async Task What_the_guest_writes_while_it_is_read_is_in_the_next_point_not_in_this_one()
    {
        await using var lab = await BackupLab.StartAsync(libvirt, "write");
        await lab.AddDiskAsync("vda", 32);
        await lab.AddDiskAsync("vdb", 32);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 0, 16 * MiB, 1);
        await lab.WriteAsync("vdb", 0, 16 * MiB, 1);
        var then = lab.Content();
        var reading = new TaskCompletionSource();
        var operation = new TestOperation { OnProgress = done => { if (done > MiB) reading.TrySetResult(); } };
        var taking = lab.TakeAsync(new TakeOptions(TakeKind.Regular) { BytesPerSecond = 16 * MiB }, operation);
        await reading.Task.WaitAsync(TimeSpan.FromSeconds(60));
        for (var i = 0; i < 16; i++)
        {
            await lab.WriteAsync("vdb", i * MiB, 70_000, (byte)(100 + i));
            await lab.WriteAsync("vda", i * MiB + 13, 5_000, (byte)(200 + i));
        }
        taking.IsCompleted.ShouldBeFalse("the writes must meet the reading");
        var point = await taking;
        await lab.ShouldHoldAsync(point.RecoveryPointId, then);

        var next = await lab.TakeAsync();
        next.Disks.ShouldAllBe(d => d.Incremental);
        next.ReadBytes.ShouldBe(Enumerable.Range(0, 16).Sum(i => (70_000 / Chunk + 1L) * Chunk + Chunk));
        await lab.ShouldHoldAsync(next.RecoveryPointId, lab.Content());
        await lab.ShouldBeTidyAsync(next.RecoveryPointId);
    }

    [Fact]
    public async Task A_cancelled_backup_leaves_nothing_behind_and_the_next_one_reads_what_changed_since_the_point_before()
    {
        await using var lab = await BackupLab.StartAsync(libvirt, "cancel");
        await lab.AddDiskAsync("vda", 32);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 0, 2 * MiB, 1);
        var first = await lab.TakeAsync();
        await lab.WriteAsync("vda", 8 * MiB, 8 * MiB, 2);
        using var stop = new CancellationTokenSource();
        var operation = new TestOperation { OnProgress = done => { if (done > MiB) stop.Cancel(); }, Cancellation = stop.Token };
        await Should.ThrowAsync<OperationCanceledException>(lab.TakeAsync(new TakeOptions(TakeKind.Regular) { BytesPerSecond = 4 * MiB }, operation, stop.Token));
        await lab.ShouldBeTidyAsync(first.RecoveryPointId);
        await lab.WriteAsync("vda", 30 * MiB, MiB, 3);
        var next = await lab.TakeAsync();
        next.ReadBytes.ShouldBe(9 * MiB);
        await lab.ShouldHoldAsync(next.RecoveryPointId, lab.Content());
        await lab.ShouldBeTidyAsync(next.RecoveryPointId);
    }

    [Fact]
    public async Task Without_room_for_what_the_guest_overwrites_meanwhile_it_is_refused_and_taken_while_the_vm_is_off()
    {
        await using var small = await SmallDisk.MountAsync(48);
        await using var lab = await BackupLab.StartAsync(libvirt, "room");
        lab.Disks["vda"] = new DiskModel(Path.Combine(small.Folder, "vda.qcow2"), "qcow2", 8 * MiB);
        await SystemLibvirt.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", lab.Disks["vda"].Path, "8M");
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 0, MiB, 1);
        var refused = await Should.ThrowAsync<Quarterdeck.Platform.ProblemException>(lab.TakeAsync());
        refused.Problem.Title.ShouldBe("No room beside the disk");
        await lab.ShouldBeTidyAsync();
        await lab.StopVmAsync();
        await lab.ShouldHoldAsync((await lab.TakeAsync()).RecoveryPointId, lab.Content());
    }

    [Fact, Trait("Category", "Long")] // libvirt waits half a minute for the job before it refuses
    public async Task A_vm_that_somebody_wants_to_migrate_meanwhile_stays_until_its_backup_is_whole()
    {
        await using var elsewhere = await PrivateLibvirt.StartAsync();
        await using var lab = await BackupLab.StartAsync(libvirt, "move");
        await lab.AddDiskAsync("vda", 64);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 0, 60 * MiB, 1);
        var reading = new TaskCompletionSource();
        var operation = new TestOperation { OnProgress = done => { if (done > MiB) reading.TrySetResult(); } };
        var taking = lab.TakeAsync(new TakeOptions(TakeKind.Regular) { BytesPerSecond = MiB }, operation);
        await reading.Task.WaitAsync(TimeSpan.FromSeconds(60));
        var refused = await Should.ThrowAsync<InvalidOperationException>(SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "migrate", "--live", "--unsafe", lab.Name, elsewhere.Uri));
        refused.Message.ShouldContain("state change lock");
        taking.IsCompleted.ShouldBeFalse();
        var point = await taking;
        await lab.ShouldHoldAsync(point.RecoveryPointId, lab.Content());
        await lab.ShouldBeTidyAsync(point.RecoveryPointId);
    }
}
