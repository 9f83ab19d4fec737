using System.Text;
using Quarterdeck.Tests.Support;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Quarterdeck.Tests.Appliances.Hostile;

/// <summary>What qcow2 images can do wrong. The twin is QEMU's own.</summary>
internal static class HostileQcow2Disks
{
    private const ulong Copied = 1UL << 63, Packed = 1UL << 62, Place = 0x00ff_ffff_ffff_fe00;

    public static IReadOnlyList<HostilePackage> All { get; } =
    [
        Image("qcow2: backing file", d => Backing(d, "/etc/shadow"), "a backing file"),
        Image("qcow2: backing file over the network", d => Backing(d, "nbd://10.0.0.1/x"), "a backing file"),
        Image("qcow2: backing file in JSON", d => Backing(d, "json:{\"driver\":\"file\",\"filename\":\"/etc/shadow\"}"), "a backing file"),
        Image("qcow2: length of a backing name only", d => U32(d, 16, 5), "a backing file"),
        Image("qcow2: data file", d => U64(d, 72, 4), "a data file"),
        Image("qcow2: encrypted", d => U32(d, 32, 2), "encrypted"),
        Image("qcow2: not closed", d => U64(d, 72, 1), "not closed properly"),
        Image("qcow2: corrupt", d => U64(d, 72, 2), "marked as corrupt"),
        Image("qcow2: extended tables", d => U64(d, 72, 16), "features that are not known"),
        Image("qcow2: unknown feature", d => U64(d, 72, 1UL << 40), "features that are not known"),
        Image("qcow2: internal snapshots", d => { U32(d, 60, 1); U64(d, 64, 1 << 18); }, "internal snapshots"),
        Image("qcow2: version 9", d => U32(d, 4, 9), "version 9"),
        Image("qcow2: version 1", d => U32(d, 4, 1), "version 1"),
        Image("qcow2: clusters of 2^40", d => U32(d, 20, 40), "clusters"),
        Image("qcow2: clusters of 2^8", d => U32(d, 20, 8), "clusters"),
        Image("qcow2: counts of 2^20 bits", d => U32(d, 96, 20), "reference counts of 2^20"),
        Image("qcow2: header of 4 GiB", d => U32(d, 100, uint.MaxValue), "header"),
        Image("qcow2: packed in an unknown way", d => { d[104] = 7; U64(d, 72, 8); }, "packed in a way"),
        Image("qcow2: capacity of 2^62", d => U64(d, 24, 1UL << 62), "capacity"),
        Image("qcow2: capacity of nothing", d => U64(d, 24, 0), "capacity"),
        Image("qcow2: another capacity", d => U64(d, 24, 4 << 20), "but the descriptor says"),
        Image("qcow2: first-level table of nothing", d => U32(d, 36, 0), "does not fit to its capacity"),
        Image("qcow2: first-level table of 4 billion", d => U32(d, 36, uint.MaxValue), "does not fit to its capacity"),
        Image("qcow2: first-level table outside", d => U64(d, 40, 1UL << 40), "points outside the file"),
        Image("qcow2: first-level table between clusters", d => U64(d, 40, 12345), "points outside the file"),
        Image("qcow2: first-level table is the header", d => U64(d, 40, 0), "points outside the file"),
        Image("qcow2: counts outside", d => U64(d, 48, 1UL << 50), "points outside the file"),
        Image("qcow2: counts of nothing", d => U32(d, 56, 0), "empty or too long"),
        Image("qcow2: counts of 4 billion clusters", d => U32(d, 56, uint.MaxValue), "empty or too long"),
        Image("qcow2: second-level table outside", d => U64(d, First(d), Copied | 1UL << 40), "points outside the file"),
        Image("qcow2: second-level table between clusters", d => U64(d, First(d), Copied | 512), "between clusters"),
        Image("qcow2: second-level table is the first-level one", d => U64(d, First(d), Copied | (uint)First(d)), "lies where something else lies"),
        Image("qcow2: second-level table is the header", d => U64(d, First(d), Copied), "first-level table is damaged"),
        Image("qcow2: second-level table with unknown bits", d => d[First(d)] |= 0x04, "first-level table is damaged"),
        Image("qcow2: cluster outside", d => U64(d, Second(d), Copied | 1UL << 50), "points outside the file"),
        Image("qcow2: cluster between clusters", d => U64(d, Second(d), Copied | (1UL << 16) + 512), "between clusters"),
        Image("qcow2: cluster that is its own table", d => U64(d, Second(d), Copied | (uint)Second(d)), "lies where something else lies"),
        Image("qcow2: cluster that is the table of counts", d => U64(d, Second(d), Copied | ReadUInt64BigEndian(d.AsSpan(48))), "lies where something else lies"),
        Image("qcow2: one cluster twice", d => U64(d, Second(d) + 8, ReadUInt64BigEndian(d.AsSpan(Second(d)))), "lies where something else lies"),
        Image("qcow2: cluster with unknown bits", d => d[Second(d)] |= 0x01, "damaged"),
        Image("qcow2: copied nothing", d => U64(d, Second(d), Copied), "contradicts itself"),
        Image("qcow2: shared cluster without a snapshot", d => d[Second(d)] &= 0x7f, "contradicts itself"),
        Image("qcow2: packed cluster outside", d => U64(d, Second(d), Packed | 1UL << 45), "points outside the file"),
        Image("qcow2: packed cluster over a plain one", d => U64(d, Second(d), Packed | (ReadUInt64BigEndian(d.AsSpan(Second(d) + 8)) & Place)), "lies where something else lies"),
        Image("qcow2: counts that say free", d => d.AsSpan(Counts(d), 64).Clear(), "say that it is free"),
        Image("qcow2: without a block of counts", d => U64(d, (int)ReadUInt64BigEndian(d.AsSpan(48)), 0), "say that it is free"),
        Image("qcow2: block of counts outside", d => U64(d, (int)ReadUInt64BigEndian(d.AsSpan(48)), 1UL << 40), "points outside the file"),
        Image("qcow2: block of counts is data", d => U64(d, (int)ReadUInt64BigEndian(d.AsSpan(48)), ReadUInt64BigEndian(d.AsSpan(Second(d))) & Place), "lies where something else lies"),
        new("qcow2: truncated", () => Package(DiskFiles.Of("qcow2")[..^140_000]), "points outside the file", Good),
        new("qcow2: header only", () => Package(DiskFiles.Of("qcow2")[..200]), "outside the file", Good),
        new("qcow2: less than a header", () => Package(DiskFiles.Of("qcow2")[..60]), "ends in the middle", Good),
        new("qcow2: longer than its disk can be", () => Package([.. DiskFiles.Of("qcow2"), .. new byte[40 << 20]]), "longer than an image", Good),
        new("qcow2: bomb in gzip", () => new OvaBuilder { Disk = [.. DiskFiles.Of("qcow2"), .. new byte[200 << 20]], Capacity = DiskFiles.Capacity, Gzip = true }.Build(), "longer than an image", () => new OvaBuilder { Disk = DiskFiles.Of("qcow2"), Capacity = DiskFiles.Capacity, Gzip = true }.Build()),
    ];

    private static HostilePackage Image(string name, Action<byte[]> change, string says) => new(name, () =>
    {
        var disk = DiskFiles.Of("qcow2");
        change(disk);
        return Package(disk);
    }, says, Good);

    private static byte[] Good() => Package(DiskFiles.Of("qcow2"));

    private static byte[] Package(byte[] disk) => new OvaBuilder { Disk = disk, Capacity = DiskFiles.Capacity }.Build();

    private static void Backing(byte[] disk, string name)
    {
        U64(disk, 8, 1024);
        U32(disk, 16, (uint)name.Length);
        Encoding.ASCII.GetBytes(name).CopyTo(disk, 1024);
    }

    private static int First(byte[] disk) => (int)ReadUInt64BigEndian(disk.AsSpan(40));

    private static int Second(byte[] disk) => (int)(ReadUInt64BigEndian(disk.AsSpan(First(disk))) & Place);

    private static int Counts(byte[] disk) => (int)ReadUInt64BigEndian(disk.AsSpan((int)ReadUInt64BigEndian(disk.AsSpan(48))));

    private static void U32(byte[] disk, int at, uint value) => WriteUInt32BigEndian(disk.AsSpan(at), value);

    private static void U64(byte[] disk, int at, ulong value) => WriteUInt64BigEndian(disk.AsSpan(at), value);
}
