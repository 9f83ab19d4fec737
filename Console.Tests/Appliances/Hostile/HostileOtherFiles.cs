using System.Text;
using Quarterdeck.Tests.Support;
using static Quarterdeck.Tests.Appliances.Hostile.HostilePackage;

namespace Quarterdeck.Tests.Appliances.Hostile;

/// <summary>What raw disks, files of other formats, packing, chunks and CD images can do wrong.</summary>
internal static class HostileOtherFiles
{
    public static IReadOnlyList<HostilePackage> All { get; } =
    [
        Raw("raw: shorter than the disk", d => d[..^512], "but the descriptor says"),
        Raw("raw: longer than the disk", d => [.. d, .. new byte[512]], "but the descriptor says"),
        Raw("raw: a VHD", d => Begin(d, "conectix"), "a VHD image"),
        Raw("raw: a VHDX", d => Begin(d, "vhdxfile"), "a VHDX image"),
        Raw("raw: a VirtualBox image", d => Begin(d, "<<< Oracle VM VirtualBox Disk Image >>>\n"), "a VirtualBox image"),
        Raw("raw: an old VMDK", d => Begin(d, "COWD"), "an old sparse VMDK"),
        Raw("raw: a text descriptor", d => Begin(d, "# Disk DescriptorFile\nRW 16384 FLAT \"/etc/shadow\" 0\n"), "a text descriptor"),
        Raw("raw: a text descriptor behind a blank", d => Begin(d, "\n# Disk DescriptorFile\nRW 16384 FLAT \"/etc/shadow\" 0\n"), "a text descriptor"),
        Raw("raw: a qcow2 with a backing file", d => Begin(d, "QFI\u00fb\0\0\0\u0003\0\0\0\0\0\0\u0002\0\0\0\0\u000b/etc/shadow"), "a backing file"),
        Raw("raw: packed, which nobody says", OvaBuilder.Packed, "packed with gzip"),
        new("zeros as a disk", () => Disk(new byte[100_000]), "no disk format"),
        new("noise as a disk", () => Disk(VmdkBuilder.Noise(5)), "no disk format"),
        new("nothing as a disk", () => Disk([]), "no disk format"),

        Zip("gzip: bomb", b => b.Disk = new byte[300 << 20], "longer than"),
        Zip("gzip: too short when unpacked", b => b.Disk = DiskFiles.Content[..^4096], "but the descriptor says"),
        new("gzip: truncated", () => Zipped(z => z[..^5000]), "", Good("gzip")),
        new("gzip: without its checksum", () => Zipped(z => z[..^8]), "its end is missing", Good("gzip")),
        new("gzip: data behind its end", () => Zipped(z => [.. z, .. new byte[100]]), "its end is missing", Good("gzip")),
        new("gzip: wrong checksum", () => Zipped(z => Flip(z, z.Length - 6)), "damaged behind its byte", Good("gzip")),
        new("gzip: bit flipped", () => Zipped(z => Flip(z, 5000)), "", Good("gzip")),
        new("gzip: not packed", () => Zipped(_ => DiskFiles.Content), "not gzip as the descriptor says", Good("gzip")),
        new("gzip: endless tables", () => new OvaBuilder { Gzip = true, Disk = EndlessTables() }.Build(), "more tables than the disk needs", () => new OvaBuilder { Gzip = true }.Build()),

        Chunks("chunks: the first is missing", f => f.Where(x => !x.Name.EndsWith(".000000000")), "is not its first"),
        Chunks("chunks: one is missing", f => f.Where(x => !x.Name.EndsWith(".000000003")), "does not follow in the package"),
        Chunks("chunks: the last is missing", f => f.SkipLast(1), "does not follow in the package"),
        Chunks("chunks: in another order", f => f.Reverse().OrderBy(x => x.Name.Contains(".0000")), "is not its first"),
        Chunks("chunks: another file between", f => f.SelectMany(x => x.Name.EndsWith(".000000004") ? [("other", [1]), x] : new[] { x }), "does not follow in the package"),
        Chunks("chunks: one too large", f => f.Select(x => x.Name.EndsWith(".000000001") ? (x.Name, [.. x.Content, 1]) : x), "does not fit"),
        Chunks("chunks: one too small", f => f.Select(x => x.Name.EndsWith(".000000001") ? (x.Name, x.Content[..^1]) : x), "but the descriptor says"),
        Chunks("chunks: one empty", f => f.Select(x => x.Name.EndsWith(".000000001") ? (x.Name, []) : x), "does not fit"),
        Chunks("chunks: one too many", f => f.Append(("probe-disk1.img.000000099", new byte[100])), "is not its first"),
        Chunks("chunks: twice", f => f.Concat(f.Where(x => x.Name.Contains(".0000"))), "two files of this name"),
        new("chunks: in one piece", () => new OvaBuilder { Descriptor = t => t.Replace("ovf:id=\"file1\"", "ovf:id=\"file1\" ovf:chunkSize=\"1000\"") }.Build(), "cut into chunks"),
        new("chunks: of a size that is none", () => Ovf(t => t.Replace("ovf:id=\"file1\"", "ovf:id=\"file1\" ovf:chunkSize=\"many\"")), "is no number"),
        new("chunks: of a size beyond numbers", () => Ovf(t => t.Replace("ovf:id=\"file1\"", "ovf:id=\"file1\" ovf:chunkSize=\"99999999999999999999\"")), "is no number"),

        Cd("CD: no CD image", _ => VmdkBuilder.Noise(1, 100_000), "no CD image"),
        Cd("CD: too short", iso => iso[..20_000], "no CD image"),
        Cd("CD: a qcow2 with a backing file", iso => Begin(iso[..30_000], "QFI\u00fb"), "no CD image"),
        new("CD: missing", () => Built(new OvaBuilder { Iso = DiskFiles.Iso() }, f => f.Where(x => x.Name != "drivers.iso")), "not in the package", GoodCd),
        new("CD: a file that is not referenced", () => new OvaBuilder { Iso = DiskFiles.Iso(), Descriptor = t => t.Replace("ovf:/file/drivers", "ovf:/file/none") }.Build(), "not referenced", GoodCd),
        new("CD: a file of the host", () => new OvaBuilder { Iso = DiskFiles.Iso(), Descriptor = t => t.Replace("drivers.iso", "/dev/sda") }.Build(), "by a path or an address", GoodCd),
    ];

    private static HostilePackage Raw(string name, Func<byte[], byte[]> change, string says) => new(name, () =>
    {
        var package = DiskFiles.Package("raw");
        package.Disk = change([.. DiskFiles.Content]);
        return package.Build();
    }, says, Good("raw"));

    private static HostilePackage Zip(string name, Action<OvaBuilder> change, string says) => new(name, () =>
    {
        var package = DiskFiles.Package("raw");
        package.Gzip = true;
        change(package);
        return package.Build();
    }, says, Good("gzip"));

    private static HostilePackage Chunks(string name, Func<IEnumerable<(string Name, byte[] Content)>, IEnumerable<(string, byte[])>> change, string says) =>
        new(name, () => Built(Cut(), change), says, () => Cut().Build());

    private static HostilePackage Cd(string name, Func<byte[], byte[]> change, string says) => new(name, () => new OvaBuilder { Iso = change(DiskFiles.Iso()) }.Build(), says, GoodCd);

    private static byte[] GoodCd() => new OvaBuilder { Iso = DiskFiles.Iso() }.Build();

    private static Func<byte[]> Good(string kind) => () =>
    {
        var package = DiskFiles.Package("raw");
        package.Gzip = kind == "gzip";
        return package.Build();
    };

    private static OvaBuilder Cut()
    {
        var package = DiskFiles.Package("qcow2");
        (package.Chunk, package.Digests) = (100_000, null);
        return package;
    }

    private static byte[] Built(OvaBuilder package, Func<IEnumerable<(string Name, byte[] Content)>, IEnumerable<(string, byte[])>> change)
    {
        package.Digests = null;
        return Build(change(package.Files()));
    }

    /// <summary>A raw disk packed with gzip, of which the packed bytes are changed.</summary>
    private static byte[] Zipped(Func<byte[], byte[]> change)
    {
        var package = DiskFiles.Package("raw");
        package.Disk = change(OvaBuilder.Packed(DiskFiles.Content));
        package.Descriptor = t => t.Replace("ovf:id=\"file1\"", "ovf:id=\"file1\" ovf:compression=\"gzip\"");
        return package.Build();
    }

    private static byte[] EndlessTables()
    {
        var disk = OvaBuilder.GoodDisk()[..(128 * 512)].ToList();
        var marker = new byte[5 * 512];
        (marker[0], marker[12]) = (4, 1);
        for (var i = 0; i < 2000; i++) disk.AddRange(marker);
        return [.. disk];
    }

    private static byte[] Begin(byte[] disk, string text)
    {
        Encoding.Latin1.GetBytes(text).CopyTo(disk, 0);
        return disk;
    }
}
