using System.Formats.Tar;
using System.Net;
using System.Text;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>Files out of recovery points, with the real VM that reads them.</summary>
public sealed class PointFileTests
{
    [Fact]
    public async Task Every_common_file_system_can_be_browsed_and_its_files_come_out_as_they_were()
    {
        await using var lab = await FileLab.StartAsync();
        var images = lab.Images;
        var system = images.Partitioned("system", await images.Ext4Async("boot"), await images.VfatAsync("esp"), await images.NtfsAsync("windows"));
        var point = await lab.PointAsync(("vda", system), ("vdb", await images.XfsAsync("xfs")), ("vdc", await images.BtrfsAsync("btrfs")), ("vdd", images.LogicalVolume("lvm", await images.Ext4Async("lv"))), ("vde", images.Empty("empty", 8)));

        var volumes = (await lab.Rest.GetAsync($"/recovery-points/{point}/volumes")).GetProperty("items").EnumerateArray().ToDictionary(v => v.GetProperty("id").GetString()!);
        volumes.ToDictionary(v => v.Key, v => v.Value.GetProperty("type").GetString()).ShouldBe(new Dictionary<string, string?>
        {
            ["vda1"] = "ext4", ["vda2"] = "vfat", ["vda3"] = "ntfs", ["vdb"] = "xfs", ["vdc"] = "btrfs", ["vde"] = null, ["vg0/root"] = "ext4",
        }, ignoreOrder: true);
        volumes["vdb"].GetProperty("label").GetString().ShouldBe("xfsdata");
        volumes["vde"].GetProperty("readable").GetBoolean().ShouldBeFalse();
        volumes["vde"].GetProperty("why").GetString()!.ShouldContain("No file system");

        foreach (var (volume, file) in new[] { ("vda1", "/etc/fstab"), ("vda2", "/A longer name – ä.txt"), ("vda3", "/fstab.txt"), ("vdb", "/fstab"), ("vdc", "/etc/fstab"), ("vg0/root", "/etc/fstab") })
            (await (await lab.DownloadAsync(point, volume, file)).Content.ReadAsStringAsync()).ShouldBe("proc /proc\n", volume);
        using var large = await lab.DownloadAsync(point, "vg0/root", "/data/large");
        large.Content.Headers.ContentLength.ShouldBe(images.Large.Length);
        large.Content.Headers.ContentDisposition!.FileName.ShouldBe("large");
        (await large.Content.ReadAsByteArrayAsync()).AsSpan().SequenceEqual(images.Large).ShouldBeTrue();

        var etc = await lab.ListAsync(point, "vda1", "/etc");
        etc["fstab"].GetProperty("mode").GetString().ShouldBe("04755");
        etc["fstab"].GetProperty("sizeBytes").GetInt64().ShouldBe(11);
        etc["away"].GetProperty("kind").GetString().ShouldBe("link");
        etc["away"].GetProperty("target").GetString().ShouldBe("/etc/passwd");
        (await lab.ListAsync(point, "vda1", "/", "&search=NEEDLE&below=true")).Keys.ShouldBe(["/etc/deep/deeper/needle.conf"]);
        (await lab.ListAsync(point, "vda1", "/etc", "&search=needle")).ShouldBeEmpty();
    }
}
