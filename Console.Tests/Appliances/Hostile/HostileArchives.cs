using Quarterdeck.Tests.Support;
using System.Security.Cryptography;
using System.Text;
using static Quarterdeck.Tests.Appliances.Hostile.HostilePackage;

namespace Quarterdeck.Tests.Appliances.Hostile;

/// <summary>What tar archives can do wrong.</summary>
internal static class HostileArchives
{
    public static IReadOnlyList<HostilePackage> All { get; } =
    [
        new("empty", () => [], "ends in the middle"),
        new("not a tar", () => RandomNumberGenerator.GetBytes(4096), "not a tar archive"),
        new("checksum in base 256", () => Poke(new OvaBuilder().Build(), 148, 0x80), "not a tar archive"),
        new("no files", () => new TarBuilder().Build(), "is empty"),
        new("truncated disk", () => new OvaBuilder().Build()[..^100_000], "ends in the middle"),
        new("truncated padding", () => new OvaBuilder { ManifestLast = true }.Build()[..^1300], "ends in the middle"),
        new("no end of the archive", () => new OvaBuilder().Build()[..^1024], "ends in the middle"),
        new("data behind the end", () => [.. new OvaBuilder().Build(), .. "more"u8], "behind the archive's end"),
        new("bit flipped in the disk", () => Flip(new OvaBuilder().Build(), 110_000), "damaged"),
        new("bit flipped in the descriptor", () => Rewrite(new OvaBuilder(), (n, c) => n.EndsWith(".ovf") ? Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(c).Replace("42", "43")) : c), "differs from the manifest"),
        new("path that climbs", () => Renamed("../probe-disk1.vmdk"), "no plain file name"),
        new("absolute path", () => Renamed("/etc/cron.d/x"), "no plain file name"),
        new("backslash path", () => Renamed("..\\x.vmdk"), "no plain file name"),
        new("symbolic link", () => First().File("probe-disk1.vmdk", [], '2', "/etc/shadow").Build(), "symbolic link"),
        new("hard link", () => First().File("probe-disk1.vmdk", [], '1', "/etc/shadow").Build(), "hard link"),
        new("device", () => First().File("probe-disk1.vmdk", [], '3').Build(), "device file"),
        new("folder", () => First().File("sub/", [], '5').Build(), "a folder"),
        new("pipe", () => First().File("probe-disk1.vmdk", [], '6').Build(), "named pipe"),
        new("GNU sparse file", () => First().File("probe-disk1.vmdk", [], 'S').Build(), "sparse"),
        new("pax sparse file", () => First().Pax(("GNU.sparse.major", "1")).File("x", []).Build(), "sparse"),
        new("pax link", () => First().Pax(("linkpath", "/etc/shadow")).File("x", []).Build(), "link"),
        new("pax path that climbs", () => First().Pax(("path", "../../x")).File("x", []).Build(), "no plain file name"),
        new("pax negative size", () => First().Pax(("size", "-1")).File("x", []).Build(), "not a number"),
        new("pax damaged", () => First().File("pax", "9999 path=x\n"u8.ToArray(), 'x').File("x", []).Build(), "damaged"),
        new("size beyond the archive", () => First().File("other", new byte[512], size: 1L << 32).Build(), "ends in the middle"),
        new("duplicate name", () => First().File("a", [1]).File("a", [1]).Build(), "two files of this name"),
        new("duplicate name in other case", () => First().File("a", [1]).File("A", [1]).Build(), "two files of this name"),
        new("descriptor not first", () => new TarBuilder().File("a.vmdk", [1]).Build(), "must begin with its .ovf"),
        new("two descriptors", () => First().File("b.ovf", [1]).Build(), "second descriptor"),
        new("small file that is large", () => new OvaBuilder { Manifest = new string(' ', 70_000) }.Build(), "at most 65536"),
        new("too many files", () => Many(200), "more than 128 files"),
    ];
}
