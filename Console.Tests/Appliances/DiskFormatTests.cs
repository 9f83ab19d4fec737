using Quarterdeck.Appliances.Ova;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances;

public sealed class DiskFormatTests
{
    public static IEnumerable<object[]> Formats => DiskFiles.Formats.Select(f => new object[] { f.Name });

    [Theory, MemberData(nameof(Formats))]
    public async Task A_disk_of_any_format_becomes_the_image_that_it_was(string format)
    {
        using var sink = new FolderSink();
        var content = await FolderSink.ReadAsync(DiskFiles.Package(format).Build(), sink);

        content.Formats["system"].ShouldBe(format.StartsWith("qcow2") ? "qcow2" : format == "raw" ? "raw" : "vmdk");
        await EqualsSourceAsync(sink);
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task A_disk_of_any_format_may_be_packed_and_cut_into_chunks(string format)
    {
        using var sink = new FolderSink();
        var package = DiskFiles.Package(format);
        (package.Gzip, package.Chunk, package.ManifestLast) = (true, 50_001, true);
        await FolderSink.ReadAsync(package.Build(), sink);

        await EqualsSourceAsync(sink);
    }

    [Theory]
    [InlineData(1 << 20, true)]
    [InlineData(262_144, true)]
    [InlineData(262_144, false)]
    [InlineData(8 << 20, false)]
    [InlineData(16 << 20, true)]
    public async Task Chunks_of_every_size_make_one_disk(int chunk, bool saysSize)
    {
        using var sink = new FolderSink();
        var package = DiskFiles.Package("raw");
        package.Chunk = chunk;
        if (!saysSize) package.Descriptor = t => t.Replace($" ovf:size=\"{DiskFiles.Capacity}\"", "");
        await FolderSink.ReadAsync(package.Build(), sink);

        ImageContent.Of(sink.Done["system"]).ShouldBe(DiskFiles.Content);
    }

    [Fact]
    public async Task What_a_qcow2_says_beside_its_tables_is_left_behind()
    {
        using var sink = new FolderSink();
        var disk = DiskFiles.Of("qcow2");
        // The image's own extension (its list of feature names) must not survive: others could be read by a tool.
        disk.AsSpan(0, 65_536).IndexOf("dirty bit"u8).ShouldBeGreaterThan(0);
        await FolderSink.ReadAsync(new OvaBuilder { Disk = disk, Capacity = DiskFiles.Capacity }.Build(), sink);

        File.ReadAllBytes(sink.Done["system"]).AsSpan(112, 400).ContainsAnyExcept((byte)0).ShouldBeFalse();
    }

    [Fact]
    public async Task Clusters_that_are_counted_but_not_used_are_given_back()
    {
        using var sink = new FolderSink();
        var disk = DiskFiles.Of("qcow2");
        // The reference count of the file's last cluster, which nothing uses once it is appended.
        var block = (int)System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(disk.AsSpan((int)System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(disk.AsSpan(48))));
        disk[block + disk.Length / 65_536 * 2 + 1] = 1;
        await FolderSink.ReadAsync(new OvaBuilder { Disk = [.. disk, .. new byte[65_536]], Capacity = DiskFiles.Capacity }.Build(), sink);

        await EqualsSourceAsync(sink);
    }

    [Fact]
    public async Task A_CD_image_in_a_drive_is_written_beside_the_disks()
    {
        using var sink = new FolderSink();
        var iso = DiskFiles.Iso();
        var content = await FolderSink.ReadAsync(new OvaBuilder { Iso = iso }.Build(), sink);

        File.ReadAllBytes(sink.Isos["drivers"]).ShouldBe(iso);
        content.Descriptor.Hardware.CdDrives.Select(d => d.FileId).ShouldBe(["drivers"]);
        content.Warnings.ShouldNotContain(w => w.Contains("drivers.iso"));
    }

    /// <summary>Both QEMU and our own eyes find what went in, and no table of it is wrong.</summary>
    private static async Task EqualsSourceAsync(FolderSink sink)
    {
        var (raw, image) = (Path.Combine(sink.Folder, "source.raw"), sink.Done["system"]);
        await File.WriteAllBytesAsync(raw, DiskFiles.Content);
        await GoodPackageTests.QemuImgAsync("check", "-f", "qcow2", image);
        await GoodPackageTests.QemuImgAsync("compare", "-f", "raw", "-F", "qcow2", raw, image);
    }
}
