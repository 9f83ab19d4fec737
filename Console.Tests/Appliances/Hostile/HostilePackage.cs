using System.Text;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances.Hostile;

/// <summary>A package that must be refused, and its good twin: the same structure with nothing wrong.</summary>
/// <param name="Name">What is wrong.</param>
/// <param name="Bad">The package.</param>
/// <param name="Says">Words of the refusal.</param>
/// <param name="Twin">The good one; null for the builder's usual package.</param>
internal sealed record HostilePackage(string Name, Func<byte[]> Bad, string Says, Func<byte[]>? Twin = null)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyDictionary<string, HostilePackage> All { get; } =
        HostileArchives.All.Concat(HostileDescriptors.All).Concat(HostileDigests.All).Concat(HostilePackedDisks.All).Concat(HostileSparseDisks.All)
            .Concat(HostileQcow2Disks.All).Concat(HostileOtherFiles.All).ToDictionary(p => p.Name);

    public byte[] Good() => Twin is null ? new OvaBuilder().Build() : Twin();

    public static TarBuilder First() => new TarBuilder().File("probe.ovf", new OvaBuilder { Digests = null }.Files()[0].Content);

    public static byte[] Ovf(Func<string, string> change) => new OvaBuilder { Descriptor = change }.Build();

    public static byte[] Disk(byte[] disk) => new OvaBuilder { Disk = disk }.Build();

    public static byte[] Marked(Func<ulong, uint, byte[], (ulong, uint, byte[])> change) => Disk(new VmdkBuilder { Marker = change }.Build([(1, VmdkBuilder.Noise(1))]));

    public static byte[] Renamed(string name) => Build(new OvaBuilder { Digests = null }.Files().Select(f => f.Name.EndsWith(".vmdk") ? (name, f.Content) : f));

    public static byte[] Rewrite(OvaBuilder package, Func<string, byte[], byte[]> change) => Build(package.Files().Select(f => (f.Name, change(f.Name, f.Content))));

    public static byte[] Many(int count) => Build(new OvaBuilder { Digests = null }.Files().Take(1).Concat(Enumerable.Range(0, count).Select(i => ($"f{i}", new byte[1]))));

    public static byte[] Build(IEnumerable<(string Name, byte[] Content)> files)
    {
        var tar = new TarBuilder();
        foreach (var (name, content) in files) tar.File(name, content);
        return tar.Build();
    }

    public static byte[] Flip(byte[] bytes, int at)
    {
        bytes[at] ^= 1;
        return bytes;
    }

    public static byte[] Poke(byte[] bytes, int at, byte value)
    {
        bytes.AsSpan(at, 4).Clear();
        bytes[at] = value;
        return bytes;
    }

    public static byte[] WithMarker(long value, byte type)
    {
        var disk = OvaBuilder.GoodDisk().ToList();
        var marker = new byte[512];
        BitConverter.GetBytes(value).CopyTo(marker, 0);
        marker[12] = type;
        disk.InsertRange(128 * 512, marker);
        return [.. disk];
    }
}
