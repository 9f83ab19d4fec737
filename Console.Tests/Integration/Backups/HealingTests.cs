using Quarterdeck.Backups;
using Quarterdeck.Repositories;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Backups;

/// <summary>Whatever happens to a VM's dirty bitmaps between two points, the second one is right, says that it read everything, and stores only what differs.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class HealingTests(SystemLibvirt libvirt)
{
    private const int MiB = 1 << 20;
    private static readonly CancellationToken None = CancellationToken.None;

    private async Task<(BackupLab Lab, PointTaken First)> FirstPointAsync(string name)
    {
        var lab = await BackupLab.StartAsync(libvirt, name);
        await lab.AddDiskAsync("vda", 32);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        for (var i = 0; i < 4; i++) await lab.WriteAsync("vda", i * MiB, MiB, (byte)(i + 1));
        return (lab, await lab.TakeAsync());
    }

    private static async Task<PointTaken> HealedAsync(BackupLab lab, string because)
    {
        var point = await lab.TakeAsync();
        point.Kind.ShouldBe(PointKind.Full);
        point.Notes.ShouldHaveSingleItem().ShouldContain(because);
        await lab.ShouldHoldAsync(point.RecoveryPointId, lab.Content());
        await lab.ShouldBeTidyAsync(point.RecoveryPointId);
        return point;
    }

    private static async Task IncrementalAsync(BackupLab lab, long read)
    {
        var point = await lab.TakeAsync();
        (point.Kind, point.ReadBytes).ShouldBe((PointKind.Incremental, read));
        point.Notes.ShouldBeEmpty();
        await lab.ShouldHoldAsync(point.RecoveryPointId, lab.Content());
        await lab.ShouldBeTidyAsync(point.RecoveryPointId);
    }

    [Fact]
    public async Task QEMU_was_killed()
    {
        var (lab, _) = await FirstPointAsync("killed");
        await using var _1 = lab;
        await lab.WriteAsync("vda", 20 * MiB, 65536, 77);
        await lab.KillQemuAsync();
        await lab.StartVmAsync();
        await HealedAsync(lab, "dirty bitmap is gone"); // it was in QEMU's memory only
        await lab.StopVmAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 21 * MiB, 65536, 77);
        await lab.KillQemuAsync();
        await lab.StartVmAsync();
        var healed = await HealedAsync(lab, "inconsistent"); // it was in the image, marked as in use
        healed.StoredBytes.ShouldBeLessThan(MiB);
        await lab.WriteAsync("vda", 9 * MiB, 65536, 78);
        await IncrementalAsync(lab, 65536);
    }

    [Fact]
    public async Task Checkpoint_and_bitmap_were_removed_by_another_tool()
    {
        var (lab, first) = await FirstPointAsync("removed");
        await using var _ = lab;
        await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "checkpoint-delete", lab.Name, (await lab.CheckpointsAsync())[0]);
        await lab.WriteAsync("vda", 20 * MiB, 65536, 77);
        await HealedAsync(lab, "nothing tracks its changes");
        await lab.StopVmAsync();
        await lab.Parts.Images.RemoveBitmapAsync(lab.Disks["vda"].Path, (await lab.BitmapsAsync("vda"))[0], None); // libvirt does not know
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 21 * MiB, 65536, 78);
        var healed = await HealedAsync(lab, "dirty bitmap is gone");
        healed.RecoveryPointId.ShouldNotBe(first.RecoveryPointId);
        await lab.WriteAsync("vda", 9 * MiB, 65536, 78);
        await IncrementalAsync(lab, 65536);
    }

    [Fact]
    public async Task The_definition_was_removed_and_made_again()
    {
        var (lab, _) = await FirstPointAsync("redefined");
        await using var _1 = lab;
        await lab.StopVmAsync();
        await lab.Hypervisor.UndefineAsync(lab.Domain, None);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 20 * MiB, 65536, 77);
        var healed = await lab.TakeAsync(); // the bitmap is there and right, but libvirt does not know of it
        await lab.ShouldHoldAsync(healed.RecoveryPointId, lab.Content());
        await lab.ShouldBeTidyAsync(healed.RecoveryPointId);
        await lab.StopVmAsync();
        (await lab.BitmapsAsync("vda")).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task The_vm_was_reverted_to_a_snapshot_inside_its_image()
    {
        var (lab, _) = await FirstPointAsync("revert");
        await using var _1 = lab;
        var then = lab.Content()["vda"];
        await lab.Hypervisor.CreateSnapshotAsync(lab.Domain, "s1", "", None);
        await lab.WriteAsync("vda", 20 * MiB, 65536, 77);
        var between = await lab.TakeAsync();
        await lab.ShouldHoldAsync(between.RecoveryPointId, lab.Content());
        await lab.WriteAsync("vda", 22 * MiB, 65536, 78);
        await new StopTrackingBeforeChange(lab.Tracking).PrepareAsync(Quarterdeck.Hosts.VmChangeKind.Revert, lab.Domain, lab.Hypervisor, lab.Domain, None);
        (await lab.CheckpointsAsync()).ShouldBeEmpty();
        await lab.Hypervisor.RevertSnapshotAsync(lab.Domain, "s1", None);
        (await lab.Hypervisor.DomainAsync(lab.Domain, None))!.State.ShouldBe(Quarterdeck.Hosts.VmState.Running);
        lab.Disks["vda"] = DiskModel.Of(lab.Disks["vda"], then);
        await HealedAsync(lab, "nothing tracks its changes");
        await lab.WriteAsync("vda", 9 * MiB, 65536, 79);
        await IncrementalAsync(lab, 65536);
        await lab.Hypervisor.DeleteSnapshotAsync(lab.Domain, "s1", None);
    }

    [Fact]
    public async Task Snapshots_laid_over_the_image_and_merged_again_are_followed_without_reading_everything()
    {
        var (lab, _) = await FirstPointAsync("over");
        await using var _1 = lab;
        await lab.WriteAsync("vda", 20 * MiB, 65536, 77);
        var over = lab.File("over.qcow2");
        await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "snapshot-create-as", lab.Name, "s", "--disk-only", "--no-metadata", "--diskspec", $"vda,file={over}");
        await lab.WriteAsync("vda", 21 * MiB, 65536, 78);
        await IncrementalAsync(lab, 2 * 65536);
        await lab.WriteAsync("vda", 22 * MiB, 65536, 79);
        await IncrementalAsync(lab, 65536);
        await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "blockcommit", lab.Name, "vda", "--active", "--pivot", "--wait");
        await lab.WriteAsync("vda", 23 * MiB, 65536, 80);
        var merged = await lab.TakeAsync();
        await lab.ShouldHoldAsync(merged.RecoveryPointId, lab.Content());
        await lab.ShouldBeTidyAsync(merged.RecoveryPointId);
    }

    [Fact]
    public async Task A_disk_was_resized_one_added_one_removed_and_two_exchanged()
    {
        var (lab, _) = await FirstPointAsync("changed");
        await using var _1 = lab;
        await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "blockresize", lab.Name, "vda", $"{40 * MiB + 512}B");
        lab.Disks["vda"].Resize(40 * MiB + 512);
        await lab.WriteAsync("vda", 40 * MiB, 512, 5);
        await IncrementalAsync(lab, 512);

        await lab.StopVmAsync();
        await lab.AddDiskAsync("vdb", 32);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vdb", 0, MiB, 6);
        var added = await lab.TakeAsync();
        added.Notes.ShouldHaveSingleItem().ShouldContain("vdb was read whole: it was not part of the last point");
        added.ReadBytes.ShouldBe(MiB);
        await lab.ShouldHoldAsync(added.RecoveryPointId, lab.Content());

        await lab.StopVmAsync();
        await SystemLibvirt.RunAsync("qemu-img", "resize", "-q", "-f", "qcow2", lab.Disks["vdb"].Path, "36M");
        lab.Disks["vdb"].Resize(36 * MiB);
        (lab.Disks["vda"], lab.Disks["vdb"]) = (lab.Disks["vdb"], lab.Disks["vda"]);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        var exchanged = await lab.TakeAsync();
        exchanged.Notes.Count.ShouldBe(2);
        exchanged.Notes.ShouldAllBe(n => n.Contains("its image was"));
        await lab.ShouldHoldAsync(exchanged.RecoveryPointId, lab.Content());

        await lab.StopVmAsync();
        lab.Disks.Remove("vdb");
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await IncrementalAsync(lab, 0);
    }

    [Fact]
    public async Task The_last_point_was_deleted_or_is_damaged()
    {
        var (lab, first) = await FirstPointAsync("deleted");
        await using var _ = lab;
        await using (var repository = await lab.Repository.OpenAsync())
            await repository.LabelPointAsync(first.RecoveryPointId, l => l with { Damage = "A chunk is gone." }, None);
        await lab.WriteAsync("vda", 20 * MiB, 65536, 77);
        var second = await HealedAsync(lab, "the last point is damaged");
        await using (var repository = await lab.Repository.OpenAsync())
            await repository.RemovePointAsync(second.RecoveryPointId, None);
        await HealedAsync(lab, "nothing tracks its changes since a point of this repository");
    }
}
