using Quarterdeck.Hosts;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Run;

namespace Quarterdeck.Tests.Restores;

public sealed class DiskMatchTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    private static readonly PointDisk Then = new("vda", "/images/a.qcow2", "qcow2", 1 << 30, default);

    private static Vm With(params VmDisk[] disks) => new(Guid.NewGuid(), "web", Guid.NewGuid(), "local", VmState.Off, true, 1, 512, disks, [], [], Acceleration.Emulation, false, [], false);

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Disks_that_fit_are_accepted_even_at_another_path() =>
        DiskMatch.Refusals(With(new VmDisk("vda", "vda", _file, "qcow2", 1 << 30, "disk")), [Then], []).ShouldBeEmpty();

    [Fact]
    public void A_resized_disk_is_refused_with_both_sizes_and_a_way_out()
    {
        var refusal = DiskMatch.Refusals(With(new VmDisk("vda", "vda", _file, "qcow2", 2L << 30, "disk")), [Then], []).ShouldHaveSingleItem();
        refusal.ShouldContain("2 GiB now");
        refusal.ShouldContain("1 GiB then");
        refusal.ShouldContain("full restore");
    }

    [Fact]
    public void A_removed_disk_a_missing_file_and_a_device_are_refused()
    {
        DiskMatch.Refusals(With(new VmDisk("vdb", "vdb", _file, "qcow2", 1 << 30, "disk")), [Then], []).ShouldHaveSingleItem().ShouldContain("not in the VM any more");
        DiskMatch.Refusals(With(new VmDisk("vda", "vda", "/images/nothing-here", "qcow2", 1 << 30, "disk")), [Then], []).ShouldHaveSingleItem().ShouldContain("is not there");
        DiskMatch.Refusals(With(new VmDisk("vda", "vda", "pool/volume", "raw", 1 << 30, "disk")), [Then], []).ShouldHaveSingleItem().ShouldContain("not a file");
        DiskMatch.Refusals(With(new VmDisk("vda", "vda", "/dev/null", "raw", 1 << 30, "disk")), [Then], []).ShouldHaveSingleItem().ShouldContain("device");
    }

    [Fact]
    public void A_disk_that_an_unfinished_restore_holds_is_not_called_missing() =>
        DiskMatch.Refusals(With(new VmDisk("vda", "vda", "/images/held.qcow2", "qcow2", 0, "disk")), [Then], ["/images/held.qcow2"]).ShouldBeEmpty();

    [Fact]
    public void An_added_disk_is_named()
    {
        var vm = With(new VmDisk("vda", "vda", _file, "qcow2", 1 << 30, "disk"), new VmDisk("vdb", "vdb", _file, "qcow2", 1 << 30, "disk"), new VmDisk("sda", "sda", "/x.iso", "raw", 0, "cdrom"));
        DiskMatch.Added(vm, [Then]).ShouldHaveSingleItem().Target.ShouldBe("vdb");
    }
}
