using System.Buffers.Binary;

namespace Quarterdeck.Appliances.Ova;

/// <summary>The header of a qcow2 image from outside, version 2 or 3. What could lead outside the file is refused here.</summary>
internal sealed record Qcow2Header
{
    /// <summary>Bytes of the header that <see cref="Write"/> makes; more is never read.</summary>
    public const int Bytes = 112;
    private const uint Magic = 0x514649fb;
    private const ulong Dirty = 1, Corrupt = 2, DataFile = 4, CompressionType = 8;
    private const long MaxFirst = 32 << 20, MaxCounts = 8 << 20;
    private const string Remedy = "Convert it: qemu-img convert -O qcow2.";

    public required uint Version { get; init; }
    public required int ClusterBits { get; init; }

    /// <summary>Size as the guest sees it, in bytes.</summary>
    public required long CapacityBytes { get; init; }

    /// <summary>Entries of the first-level table.</summary>
    public required int FirstEntries { get; init; }
    public required long FirstOffset { get; init; }
    public required long CountsOffset { get; init; }
    public required int CountsClusters { get; init; }

    /// <summary>Reference counts have 2^order bits.</summary>
    public required int CountsOrder { get; init; }

    /// <summary>How compressed clusters are packed: 0 deflate, 1 zstd.</summary>
    public required byte Compression { get; init; }

    public int Cluster => 1 << ClusterBits;

    public static bool HasMagic(ReadOnlySpan<byte> head) => head.Length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(head) == Magic;

    public static Qcow2Header Parse(string file, ReadOnlySpan<byte> head)
    {
        if (head.Length < Bytes) throw Refusal.Truncated(file);
        uint U32(ReadOnlySpan<byte> h, int at) => BinaryPrimitives.ReadUInt32BigEndian(h[at..]);
        ulong U64(ReadOnlySpan<byte> h, int at) => BinaryPrimitives.ReadUInt64BigEndian(h[at..]);
        var version = U32(head, 4);
        if (version is not (2 or 3)) throw Refusal.Of(file, $"its qcow2 version {version} is not known.", Remedy);
        if (U64(head, 8) != 0 || U32(head, 16) != 0) throw Refusal.Of(file, "it builds on another file (a backing file), which would be one of this host.", Remedy);
        var features = version == 3 ? U64(head, 72) : 0;
        if ((features & DataFile) != 0) throw Refusal.Of(file, "its data lies in another file (a data file), which would be one of this host.", Remedy);
        if (U32(head, 32) != 0) throw Refusal.Of(file, "it is encrypted.", "Ask the publisher for an image that is not.");
        if ((features & Dirty) != 0) throw Refusal.Of(file, "it was not closed properly: its reference counts are out of date.", "Repair it: qemu-img check -r all.");
        if ((features & Corrupt) != 0) throw Refusal.Of(file, "it is marked as corrupt.", "Repair it: qemu-img check -r all.");
        if ((features & ~CompressionType) != 0) throw Refusal.Of(file, $"it needs features that are not known (0x{features & ~CompressionType:x}).", Remedy);
        if (U32(head, 60) != 0) throw Refusal.Of(file, "it has internal snapshots.", Remedy);
        var length = version == 3 ? U32(head, 100) : 72;
        if (length is < 72 or > 4096 || (version == 3 && length < 104)) throw Refusal.Of(file, $"its header of {length} bytes is damaged.");
        var compression = length > 104 ? head[104] : (byte)0;
        if (compression > 1 || (compression != 0) != ((features & CompressionType) != 0)) throw Refusal.Of(file, $"its clusters are packed in a way that is not known ({compression}).", Remedy);
        var (bits, capacity, entries, order) = (U32(head, 20), U64(head, 24), U32(head, 36), version == 3 ? U32(head, 96) : 4);
        if (bits is < 9 or > 21) throw Refusal.Of(file, $"its clusters of 2^{bits} bytes are outside 512 bytes to 2 MiB.");
        if (order > 6) throw Refusal.Of(file, $"its reference counts of 2^{order} bits are not known.");
        if (capacity == 0 || capacity > OvaLimits.MaxDiskBytes) throw Refusal.Of(file, $"its capacity of {capacity} bytes is outside 1 byte to 64 TiB.");
        var cluster = 1L << (int)bits;
        if (entries > MaxFirst / 8 || entries < ((long)capacity + cluster * (cluster / 8) - 1) / (cluster * (cluster / 8))) throw Refusal.Of(file, $"its first-level table of {entries} entries does not fit to its capacity.");
        if (U32(head, 56) is 0 or > (uint)(MaxCounts >> 9) || U32(head, 56) * cluster > MaxCounts) throw Refusal.Of(file, "its table of reference counts is empty or too long.");
        return new Qcow2Header
        {
            Version = version, ClusterBits = (int)bits, CapacityBytes = (long)capacity, FirstEntries = (int)entries, FirstOffset = Place(file, U64(head, 40), cluster, "first-level table"),
            CountsOffset = Place(file, U64(head, 48), cluster, "table of reference counts"), CountsClusters = (int)U32(head, 56), CountsOrder = (int)order, Compression = compression,
        };
    }

    private static long Place(string file, ulong offset, long cluster, string what) =>
        offset != 0 && offset < 1UL << 56 && offset % (ulong)cluster == 0 ? (long)offset : throw Refusal.Of(file, $"its {what} points outside the file.");

    /// <summary>A header of our own: nothing of the image's extensions and optional features is left.</summary>
    public byte[] Write()
    {
        var header = new byte[512];
        var h = header.AsSpan();
        BinaryPrimitives.WriteUInt32BigEndian(h, Magic);
        BinaryPrimitives.WriteUInt32BigEndian(h[4..], 3);
        BinaryPrimitives.WriteInt32BigEndian(h[20..], ClusterBits);
        BinaryPrimitives.WriteInt64BigEndian(h[24..], CapacityBytes);
        BinaryPrimitives.WriteInt32BigEndian(h[36..], FirstEntries);
        BinaryPrimitives.WriteInt64BigEndian(h[40..], FirstOffset);
        BinaryPrimitives.WriteInt64BigEndian(h[48..], CountsOffset);
        BinaryPrimitives.WriteInt32BigEndian(h[56..], CountsClusters);
        BinaryPrimitives.WriteUInt64BigEndian(h[72..], Compression == 0 ? 0UL : CompressionType);
        BinaryPrimitives.WriteInt32BigEndian(h[96..], CountsOrder);
        BinaryPrimitives.WriteInt32BigEndian(h[100..], Bytes);
        h[104] = Compression;
        return header;
    }
}
