using System.Text;
using Quarterdeck.Tests.Support;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Quarterdeck.Tests.Appliances.Hostile;

/// <summary>What sparse VMDK files can do wrong. The twin is QEMU's own.</summary>
internal static class HostileSparseDisks
{
    public static IReadOnlyList<HostilePackage> All { get; } =
    [
        Sparse("sparse: directory outside", d => U64(d, 56, 1UL << 40), "directory does not lie in front"),
        Sparse("sparse: directory behind the data", d => U64(d, 56, (ulong)d.Length / 512 - 1), "directory does not lie in front"),
        Sparse("sparse: table outside", d => U32(d, Directory(d), 0x7fff_ffff), "table 0 does not lie in front"),
        Sparse("sparse: table that is the head", d => U32(d, Directory(d), 1), "ends in the middle"),
        Sparse("sparse: grain in the head", d => U32(d, Table(d), 2), "outside its grains"),
        Sparse("sparse: grain outside the file", d => U32(d, Table(d), 0xffff_ff80), "ends in the middle"),
        Sparse("sparse: two grains at one place", d => U32(d, Table(d) + 4, ReadUInt32LittleEndian(d.AsSpan(Table(d)))), "share the sector"),
        Sparse("sparse: grains that overlap", d => U32(d, Table(d) + 4, ReadUInt32LittleEndian(d.AsSpan(Table(d))) + 1), "share the sector"),
        Sparse("sparse: all grains at one place", d => { for (var i = 0; i < 128; i++) U32(d, Table(d) + 4 * i, 128); }, "share the sector"),
        Sparse("sparse: grain beyond the disk", d => U32(d, Table(d) + 4 * 200, 128), "outside the disk"),
        Sparse("sparse: capacity of 2^62", d => U64(d, 12, 1UL << 62), "capacity"),
        Sparse("sparse: capacity of 64 TiB", d => U64(d, 12, 1UL << 37), "but the descriptor says"),
        Sparse("sparse: overhead of nothing", d => U64(d, 64, 0), "overhead"),
        Sparse("sparse: overhead of 2^50", d => U64(d, 64, 1UL << 50), "overhead"),
        Sparse("sparse: overhead of 60 MiB", d => U64(d, 64, 60 << 11), "too much to be read in one pass"),
        Sparse("sparse: tables of a billion entries", d => U32(d, 44, 1 << 30), "entries are not known"),
        Sparse("sparse: markers without packing", d => U32(d, 8, 0x20003), "neither stream-optimised nor sparse"),
        Sparse("sparse: without a descriptor", d => U64(d, 28, 0), "consists of several files"),
        Sparse("sparse: descriptor outside", d => U64(d, 28, 1 << 20), "outside its head"),
        Text("sparse: part of a split disk", "monolithicSparse", "twoGbMaxSparse", "not one sparse file"),
        Text("sparse: flat file of the host", "createType=\"monolithicSparse\"", "createType=\"monolithicFlat\"\nRW 9 FLAT \"/etc/shadow\" 0", "not one sparse file"),
        Text("sparse: on another disk", "ddb.virtualHWVersion", "parentFileNameHint=\"/etc/shadow\"\nddb.v", "builds on another disk file"),
        new("sparse: truncated", () => Package(DiskFiles.Of("sparse")[..^70_000]), "ends in the middle", Good),
        new("sparse: without its tables", () => Package(DiskFiles.Of("sparse")[..20_000]), "ends in the middle", Good),
    ];

    private static HostilePackage Sparse(string name, Action<byte[]> change, string says) => new(name, () =>
    {
        var disk = DiskFiles.Of("sparse");
        change(disk);
        return Package(disk);
    }, says, Good);

    private static HostilePackage Text(string name, string old, string now, string says) => Sparse(name, disk =>
    {
        var room = disk.AsSpan(512, 20 * 512);
        var text = Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(room).TrimEnd('\0').Replace(old, now, StringComparison.Ordinal));
        room.Clear();
        text.CopyTo(room);
    }, says);

    private static byte[] Good() => Package(DiskFiles.Of("sparse"));

    private static byte[] Package(byte[] disk) => new OvaBuilder { Disk = disk, Capacity = DiskFiles.Capacity }.Build();

    private static int Directory(byte[] disk) => (int)ReadUInt64LittleEndian(disk.AsSpan(56)) * 512;

    private static int Table(byte[] disk) => ReadInt32LittleEndian(disk.AsSpan(Directory(disk))) * 512;

    private static void U32(byte[] disk, int at, uint value) => WriteUInt32LittleEndian(disk.AsSpan(at), value);

    private static void U64(byte[] disk, int at, ulong value) => WriteUInt64LittleEndian(disk.AsSpan(at), value);
}
