using System.Security.Cryptography;
using System.Text;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances;

public sealed class BadPackageTests
{
    /// <summary>What is wrong, the package, and words of the refusal.</summary>
    private static readonly Dictionary<string, (Func<byte[]> Package, string Says)> Bad = new()
    {
        ["empty"] = (() => [], "ends in the middle"),
        ["not a tar"] = (() => RandomNumberGenerator.GetBytes(4096), "not a tar archive"),
        ["no files"] = (() => new TarBuilder().Build(), "is empty"),
        ["truncated disk"] = (() => new OvaBuilder().Build()[..^100_000], "ends in the middle"),
        ["truncated padding"] = (() => new OvaBuilder { ManifestLast = true }.Build()[..^1300], "ends in the middle"),
        ["no end of the archive"] = (() => new OvaBuilder().Build()[..^1024], "ends in the middle"),
        ["data behind the end"] = (() => [.. new OvaBuilder().Build(), .. "more"u8], "behind the archive's end"),
        ["bit flipped in the disk"] = (() => Flip(new OvaBuilder().Build(), 110_000), "damaged"),
        ["bit flipped in the descriptor"] = (() => Rewrite(new OvaBuilder(), (n, c) => n.EndsWith(".ovf") ? Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(c).Replace("42", "43")) : c), "differs from the manifest"),
        ["path that climbs"] = (() => Renamed("../probe-disk1.vmdk"), "no plain file name"),
        ["absolute path"] = (() => Renamed("/etc/cron.d/x"), "no plain file name"),
        ["backslash path"] = (() => Renamed("..\\x.vmdk"), "no plain file name"),
        ["symbolic link"] = (() => First().File("probe-disk1.vmdk", [], '2', "/etc/shadow").Build(), "symbolic link"),
        ["hard link"] = (() => First().File("probe-disk1.vmdk", [], '1', "/etc/shadow").Build(), "hard link"),
        ["device"] = (() => First().File("probe-disk1.vmdk", [], '3').Build(), "device file"),
        ["folder"] = (() => First().File("sub/", [], '5').Build(), "a folder"),
        ["pipe"] = (() => First().File("probe-disk1.vmdk", [], '6').Build(), "named pipe"),
        ["GNU sparse file"] = (() => First().File("probe-disk1.vmdk", [], 'S').Build(), "sparse"),
        ["pax sparse file"] = (() => First().Pax(("GNU.sparse.major", "1")).File("x", []).Build(), "sparse"),
        ["pax link"] = (() => First().Pax(("linkpath", "/etc/shadow")).File("x", []).Build(), "link"),
        ["pax path that climbs"] = (() => First().Pax(("path", "../../x")).File("x", []).Build(), "no plain file name"),
        ["pax negative size"] = (() => First().Pax(("size", "-1")).File("x", []).Build(), "not a number"),
        ["pax damaged"] = (() => First().File("pax", "9999 path=x\n"u8.ToArray(), 'x').File("x", []).Build(), "damaged"),
        ["size beyond the archive"] = (() => First().File("other", new byte[512], size: 1L << 32).Build(), "ends in the middle"),
        ["duplicate name"] = (() => First().File("a", [1]).File("a", [1]).Build(), "two files of this name"),
        ["duplicate name in other case"] = (() => First().File("a", [1]).File("A", [1]).Build(), "two files of this name"),
        ["descriptor not first"] = (() => new TarBuilder().File("a.vmdk", [1]).Build(), "must begin with its .ovf"),
        ["two descriptors"] = (() => First().File("b.ovf", [1]).Build(), "second descriptor"),
        ["DTD"] = (() => Ovf(t => t.Replace("<Envelope", "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\n<Envelope")), "not allowed or damaged"),
        ["entity bomb"] = (() => Ovf(t => t.Replace("<Envelope", "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n<Envelope").Replace("Debian", "&b;")), "not allowed or damaged"),
        ["deep nesting"] = (() => Ovf(t => t.Replace("<Info/>", string.Concat(Enumerable.Repeat("<a>", 100)) + string.Concat(Enumerable.Repeat("</a>", 100)))), "deeper"),
        ["not XML"] = (() => Ovf(_ => "hello"), "not allowed or damaged"),
        ["unknown envelope"] = (() => Ovf(t => t.Replace("ovf/envelope/1\"", "ovf/envelope/7\"")), "is not known"),
        ["HTML"] = (() => Ovf(_ => "<html/>"), "is not known"),
        ["no virtual system"] = (() => Ovf(t => t.Replace("VirtualSystem ", "Other ").Replace("/VirtualSystem>", "/Other>")), "no virtual system"),
        ["file outside the package"] = (() => Ovf(t => t.Replace("ovf:href=\"probe-disk1.vmdk\"", "ovf:href=\"http://example.org/disk.vmdk\"")), "by a path or an address"),
        ["disk without its file"] = (() => new OvaBuilder { DiskName = "other.vmdk" }.FilesWithout("other.vmdk"), "not in the package"),
        ["capacity of 2^62"] = (() => new OvaBuilder { Capacity = 1L << 62 }.Build(), "outside 1 byte to 64 TiB"),
        ["capacity that overflows"] = (() => Ovf(t => t.Replace("ovf:capacity=\"256\" ovf:capacityAllocationUnits=\"byte * 2^20\"", "ovf:capacity=\"9223372036854775807\" ovf:capacityAllocationUnits=\"byte * 2^40\"")), "not understood"),
        ["negative capacity"] = (() => Ovf(t => t.Replace("ovf:capacity=\"256\"", "ovf:capacity=\"-1\"")), "not understood"),
        ["capacity of nothing"] = (() => Ovf(t => t.Replace("ovf:capacity=\"256\"", "ovf:capacity=\"0\"")), "outside 1 byte to 64 TiB"),
        ["capacity in unknown units"] = (() => Ovf(t => t.Replace("byte * 2^20", "furlong")), "not understood"),
        ["duplicate disk id"] = (() => Ovf(t => t.Replace("\"data\"", "\"system\"")), "is there twice"),
        ["duplicate property"] = (() => Ovf(t => t.Replace("ovf:key=\"build\"", "ovf:key=\"mode\"")), "is there twice"),
        ["duplicate hardware item"] = (() => Ovf(t => t.Replace("<rasd:InstanceID>9<", "<rasd:InstanceID>8<")), "is there twice"),
        ["disk that is not there"] = (() => Ovf(t => t.Replace("ovf:/disk/data", "ovf:/disk/none")), "not in the package"),
        ["disk attached twice"] = (() => Ovf(t => t.Replace("ovf:/disk/data", "ovf:/disk/system")), "attached twice"),
        ["network that is not there"] = (() => Ovf(t => t.Replace("<rasd:Connection>Management", "<rasd:Connection>Other")), "does not declare"),
        ["disk on another disk"] = (() => Ovf(t => t.Replace("ovf:diskId=\"data\"", "ovf:diskId=\"data\" ovf:parentRef=\"system\"")), "builds on another disk"),
        ["a million CPUs"] = (() => Ovf(t => t.Replace("<rasd:VirtualQuantity>1<", "<rasd:VirtualQuantity>1000000<")), "too many"),
        ["file of another size"] = (() => Ovf(t => t.Replace("ovf:href=\"probe-disk1.vmdk\" ovf:size=\"", "ovf:href=\"probe-disk1.vmdk\" ovf:size=\"1")), "but the descriptor says"),
        ["gzip"] = (() => Ovf(t => t.Replace("ovf:id=\"file1\"", "ovf:id=\"file1\" ovf:compression=\"bzip2\"")), "not supported"),
        ["chunks"] = (() => Ovf(t => t.Replace("ovf:id=\"file1\"", "ovf:id=\"file1\" ovf:chunkSize=\"1000\"")), "chunks"),
        ["wrong digest"] = (() => new OvaBuilder { Digest = m => m.TrimEnd()[..^4] + "0000\n" }.Build(), "differs from the manifest"),
        ["digest of the wrong length"] = (() => new OvaBuilder { Digest = m => m.TrimEnd()[..^2] + "\n" }.Build(), "wrong length"),
        ["manifest line that means nothing"] = (() => new OvaBuilder { Digest = m => m + "hello\n" }.Build(), "not understood"),
        ["manifest that names a missing file"] = (() => new OvaBuilder { Digest = m => m + $"SHA256(ghost)= {new string('0', 64)}\n" }.Build(), "not in the package"),
        ["file that the manifest does not cover"] = (() => new OvaBuilder { Digest = m => string.Join('\n', m.Split('\n').Where(l => !l.Contains("vmdk"))) }.Build(), "does not cover"),
        ["uncovered file before the manifest"] = (() => new OvaBuilder { ManifestLast = true, Digest = m => string.Join('\n', m.Split('\n').Where(l => !l.Contains("vmdk"))) }.Build(), "does not cover"),
        ["two manifests"] = (() => Build([.. new OvaBuilder().Files(), ("b.mf", Encoding.ASCII.GetBytes($"SHA1(x)= {new string('0', 40)}"))]), "second manifest"),
        ["signature without a manifest"] = (() => First().File("probe.cert", "x"u8.ToArray()).File("probe-disk1.vmdk", OvaBuilder.GoodDisk()).Build(), "the package has none"),
        ["signature that means nothing"] = (() => new OvaBuilder { Sign = _ => "hello" }.Build(), "no signature"),
        ["signature of another manifest"] = (() => new OvaBuilder { Sign = _ => Signature("changed"u8.ToArray()) }.Build(), "does not hold"),
        ["text descriptor as a disk"] = (() => new OvaBuilder { Disk = Encoding.ASCII.GetBytes("# Disk DescriptorFile\nversion=1\ncreateType=\"monolithicFlat\"\nRW 131072 FLAT \"/etc/shadow\" 0\n") }.Build(), "text descriptor"),
        ["qcow2 as a disk"] = (() => new OvaBuilder { Disk = [.. "QFI\u00fb"u8, .. new byte[1000]] }.Build(), "qcow2"),
        ["zeros as a disk"] = (() => new OvaBuilder { Disk = new byte[100_000] }.Build(), "no disk format"),
        ["sparse VMDK that is not stream-optimised"] = (() => Disk(Poke(OvaBuilder.GoodDisk(), 8, 3)), "neither stream-optimised nor sparse"),
        ["VMDK of another version"] = (() => Disk(Poke(OvaBuilder.GoodDisk(), 4, 9)), "version"),
        ["VMDK that says another type"] = (() => Disk(new VmdkBuilder { CreateType = "monolithicFlat" }.Build([])), "says that it is not"),
        ["VMDK of another capacity"] = (() => Disk(OvaBuilder.GoodDisk(16 << 20)), "but the descriptor says"),
        ["VMDK capacity of 2^62"] = (() => Disk(new VmdkBuilder { SaidCapacity = 1UL << 62 }.Build([])), "capacity"),
        ["VMDK capacity of nothing"] = (() => Disk(new VmdkBuilder { SaidCapacity = 0 }.Build([])), "capacity"),
        ["VMDK grain of nothing"] = (() => Disk(new VmdkBuilder { SaidGrain = 0 }.Build([])), "grain"),
        ["VMDK grain of 2^60"] = (() => Disk(new VmdkBuilder { SaidGrain = 1UL << 60 }.Build([])), "grain"),
        ["VMDK grain that is no power of two"] = (() => Disk(new VmdkBuilder { SaidGrain = 100 }.Build([])), "grain"),
        ["grain outside the disk"] = (() => Marked((_, size, data) => (1UL << 40, size, data)), "outside the disk"),
        ["grain address that overflows"] = (() => Marked((_, size, data) => (ulong.MaxValue, size, data)), "outside the disk"),
        ["grain address between grains"] = (() => Marked((_, size, data) => (1, size, data)), "outside the disk"),
        ["packed size of 4 GiB"] = (() => Marked((lba, _, data) => (lba, uint.MaxValue, data)), "bytes long when packed"),
        ["grain twice"] = (() => Disk(new VmdkBuilder().Build([(1, VmdkBuilder.Noise(1)), (1, VmdkBuilder.Noise(2))])), "in it twice"),
        ["grain bomb"] = (() => Disk(new VmdkBuilder().Build([(1, new byte[4 << 20])])), "too long when unpacked"),
        ["short grain"] = (() => Disk(new VmdkBuilder().Build([(1, new byte[100])])), "too short when unpacked"),
        ["grain that is no zlib"] = (() => Marked((lba, size, data) => (lba, size, RandomNumberGenerator.GetBytes(data.Length))), "damaged"),
        ["disk without its end"] = (() => Disk(new VmdkBuilder { NoEnd = true }.Build([(1, VmdkBuilder.Noise(1))])), "ends in the middle"),
        ["data behind the disk's end"] = (() => Disk([.. OvaBuilder.GoodDisk(), 1, 2, 3]), "behind its end"),
        ["table that is too long"] = (() => Disk(WithMarker(1 << 30, 1)), "longer than the disk needs"),
        ["unknown marker"] = (() => Disk(WithMarker(1, 77)), "unknown type"),
        ["small file that is large"] = (() => new OvaBuilder { Manifest = new string(' ', 70_000) }.Build(), "at most 65536"),
        ["too many files"] = (() => Many(200), "more than 128 files"),
    };

    public static IEnumerable<object[]> Names => Bad.Keys.Select(k => new object[] { k });

    [Theory, MemberData(nameof(Names))]
    public async Task A_bad_package_is_refused_with_a_reason(string name)
    {
        var (package, says) = Bad[name];
        using var sink = new FolderSink();
        var refused = await Should.ThrowAsync<ProblemException>(() => FolderSink.ReadAsync(package(), sink));

        refused.Problem.Kind.ShouldBe(ProblemKind.Invalid);
        refused.Problem.Detail.ShouldContain(says);
        // No image got its header that was not read to its end.
        foreach (var image in Directory.GetFiles(sink.Folder)) if (!sink.Done.ContainsValue(image)) File.ReadAllBytes(image).Take(4).Any(b => b != 0).ShouldBeFalse();
    }

    [Fact]
    public async Task An_option_that_is_not_there_is_refused_with_those_that_are()
    {
        using var sink = new FolderSink();
        var refused = await Should.ThrowAsync<ProblemException>(() => FolderSink.ReadAsync(new OvaBuilder().Build(), sink, "huge"));

        refused.Problem.Errors.Single().Field.ShouldBe("deploymentOption");
        refused.Problem.Errors.Single().Remedy.ShouldContain("small, large");
    }

    [Fact]
    public async Task Names_from_outside_are_shown_without_control_characters()
    {
        using var sink = new FolderSink();
        var refused = await Should.ThrowAsync<ProblemException>(() => FolderSink.ReadAsync(First().File("a\u001b[31m\n" + new string('x', 90), []).Build(), sink));

        refused.Problem.Detail.ShouldNotContain("\u001b");
        refused.Problem.Detail.ShouldNotContain("\n");
    }

    private static TarBuilder First() => new TarBuilder().File("probe.ovf", new OvaBuilder { Digests = null }.Files()[0].Content);

    private static byte[] Ovf(Func<string, string> change) => new OvaBuilder { Descriptor = change }.Build();

    private static byte[] Disk(byte[] disk) => new OvaBuilder { Disk = disk }.Build();

    private static byte[] Marked(Func<ulong, uint, byte[], (ulong, uint, byte[])> change) => Disk(new VmdkBuilder { Marker = change }.Build([(1, VmdkBuilder.Noise(1))]));

    private static byte[] Renamed(string name) => Build(new OvaBuilder { Digests = null }.Files().Select(f => f.Name.EndsWith(".vmdk") ? (name, f.Content) : f));

    private static byte[] Rewrite(OvaBuilder package, Func<string, byte[], byte[]> change) => Build(package.Files().Select(f => (f.Name, change(f.Name, f.Content))));

    private static byte[] Many(int count) => Build(new OvaBuilder { Digests = null }.Files().Take(1).Concat(Enumerable.Range(0, count).Select(i => ($"f{i}", new byte[1]))));

    private static byte[] Build(IEnumerable<(string Name, byte[] Content)> files)
    {
        var tar = new TarBuilder();
        foreach (var (name, content) in files) tar.File(name, content);
        return tar.Build();
    }

    private static byte[] Flip(byte[] bytes, int at)
    {
        bytes[at] ^= 1;
        return bytes;
    }

    private static byte[] Poke(byte[] bytes, int at, byte value)
    {
        bytes.AsSpan(at, 4).Clear();
        bytes[at] = value;
        return bytes;
    }

    private static byte[] WithMarker(long value, byte type)
    {
        var disk = OvaBuilder.GoodDisk().ToList();
        var marker = new byte[512];
        BitConverter.GetBytes(value).CopyTo(marker, 0);
        marker[12] = type;
        disk.InsertRange(128 * 512, marker);
        return [.. disk];
    }

    private static string Signature(byte[] of)
    {
        using var key = RSA.Create(2048);
        using var certificate = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=x", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        return $"SHA256(probe.mf)= {Convert.ToHexStringLower(key.SignData(of, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}\n{certificate.ExportCertificatePem()}\n";
    }
}
