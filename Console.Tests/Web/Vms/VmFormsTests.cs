using Quarterdeck.Hosts;
using Quarterdeck.Web.Vms;

namespace Quarterdeck.Tests.Web.Vms;

/// <summary>What the forms and charts of VM pages compute.</summary>
public sealed class VmFormsTests
{
    [Fact]
    public void The_form_becomes_the_request_as_typed()
    {
        var form = new VmForm { Name = "päch & <b>", HostId = Guid.Empty.ToString(), Vcpus = "2", MemoryMiB = "512", Cdrom = " ", Network = "user", Tags = "a, b,,a", Start = false };
        form.Disks[0].SizeGiB = "0.5";
        form.Disks.Add(new DiskForm { Kind = "file", Path = " /srv/a.raw ", Format = "raw" });
        var vm = form.Read().Value;
        vm.Name.ShouldBe("päch & <b>");
        (vm.Vcpus, vm.MemoryMiB, vm.Cdrom, vm.Network, vm.Start).ShouldBe((2, 512, null, "user", false));
        vm.Disks.ShouldBe([new NewDisk(SizeGiB: 0.5m), new NewDisk(SourcePath: "/srv/a.raw", Format: "raw")]);
        vm.Tags.ShouldBe(["a", "b", "a"]);
    }

    [Fact]
    public void Every_number_that_is_none_is_named_at_once()
    {
        var form = new VmForm { HostId = "", Vcpus = "two", MemoryMiB = "1e3" };
        form.Disks[0].SizeGiB = "20 GB";
        form.Read().Problem!.Errors.Select(e => e.Field).ShouldBe(["vcpus", "memoryMiB", "disks[0].sizeGiB", "hostId"]);
        form.Read().Problem!.Errors.ShouldAllBe(e => form.Shows(e.Field));
    }

    [Theory]
    [InlineData(0, 10, 1000, 10)]
    [InlineData(11, 10, 1000, 20)]
    [InlineData(1500, 1, 1000, 2000)]
    [InlineData(600 * 1024, 1024, 1024, 1024 * 1024)]
    public void An_axis_ends_at_a_round_value(double value, double floor, int radix, double top) => UsagePlot.RoundUp(value, floor, radix).ShouldBe(top);

    [Fact]
    public void A_gap_breaks_the_line_and_old_samples_are_left_out()
    {
        var now = new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
        DateTimeOffset[] times = [now.AddMinutes(-70), now.AddMinutes(-30), now.AddMinutes(-29.9), now.AddMinutes(-10), now];
        var path = UsagePlot.Path(times, [1, 0, 1, 0.5, 2], 1, now, TimeSpan.FromSeconds(10));
        path.ShouldBe("M300 140L301 0M500 70M600 0");
    }

    [Theory]
    [InlineData("x", null, null, "hostId")]
    [InlineData(null, "OFF", null, "state")]
    public void A_filter_that_is_none_is_named(string? host, string? state, string? tag, string field) =>
        VmFilter.Read(host, state, tag).Problem!.Errors.Single().Field.ShouldBe(field);
}
