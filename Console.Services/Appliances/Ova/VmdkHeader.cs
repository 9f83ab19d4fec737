using System.Buffers.Binary;
using System.Text;

namespace Quarterdeck.Appliances.Ova;

/// <summary>The first sector of a VMDK extent, stream-optimised or sparse.</summary>
internal sealed record VmdkHeader
{
    public const int Sector = 512, TableEntries = 512;
    public const int MaxGrain = 1 << 20;
    private const long MaxOverhead = 64 << 20;
    private const uint ZeroGrain = 1 << 2, Compressed = 1 << 16, Markers = 1 << 17;

    /// <summary>Size as the guest sees it.</summary>
    public required long CapacityBytes { get; init; }

    /// <summary>Bytes of a grain when unpacked.</summary>
    public required int GrainBytes { get; init; }

    /// <summary>Where the first grain may begin.</summary>
    public required long OverheadBytes { get; init; }

    /// <summary>Where the embedded descriptor begins; 0 for none.</summary>
    public required long DescriptorOffset { get; init; }

    /// <summary>Room for the descriptor.</summary>
    public required int DescriptorBytes { get; init; }

    /// <summary>Sector of the grain directory.</summary>
    public required ulong Directory { get; init; }

    /// <summary>Whether grains are packed and announced by markers (stream-optimised); else they lie plain and only tables say where.</summary>
    public required bool Packed { get; init; }

    /// <summary>Whether the table entry 1 means a grain of zeros.</summary>
    public required bool HasZeroGrains { get; init; }

    /// <summary>Grains of the whole disk.</summary>
    public long Grains => (CapacityBytes + GrainBytes - 1) / GrainBytes;

    public static bool HasMagic(ReadOnlySpan<byte> sector) => sector.StartsWith("KDMV"u8);

    public static VmdkHeader Parse(string file, ReadOnlySpan<byte> sector)
    {
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(sector[4..]), flags = BinaryPrimitives.ReadUInt32LittleEndian(sector[8..]);
        ulong capacity = BinaryPrimitives.ReadUInt64LittleEndian(sector[12..]), grain = BinaryPrimitives.ReadUInt64LittleEndian(sector[20..]);
        ulong descriptor = BinaryPrimitives.ReadUInt64LittleEndian(sector[28..]), descriptorSize = BinaryPrimitives.ReadUInt64LittleEndian(sector[36..]), overhead = BinaryPrimitives.ReadUInt64LittleEndian(sector[64..]);
        var (entries, directory, compression) = (BinaryPrimitives.ReadUInt32LittleEndian(sector[44..]), BinaryPrimitives.ReadUInt64LittleEndian(sector[56..]), BinaryPrimitives.ReadUInt16LittleEndian(sector[77..]));
        if (version is < 1 or > 3) throw Refusal.Of(file, $"its VMDK version {version} is not known.");
        var packed = (flags & Compressed) != 0;
        if (packed != ((flags & Markers) != 0) || compression != (packed ? 1 : 0))
            throw Refusal.Of(file, "it is a VMDK, but neither stream-optimised nor sparse.", "Export it as OVA again, or convert it: qemu-img convert -O vmdk -o subformat=streamOptimized.");
        // Compared as sectors, so that no product overflows.
        if (capacity == 0 || capacity > OvaLimits.MaxDiskBytes / Sector) throw Refusal.Of(file, $"its capacity of {capacity} sectors is outside 1 sector to 64 TiB.");
        if (grain is < 8 or > MaxGrain / Sector || (grain & (grain - 1)) != 0) throw Refusal.Of(file, $"its grain of {grain} sectors is not a power of two from 8 to 2048.");
        if (!packed && entries != TableEntries) throw Refusal.Of(file, $"its grain tables of {entries} entries are not known.");
        if (overhead is 0 or > MaxOverhead / Sector) throw Refusal.Of(file, $"its overhead of {overhead} sectors is outside 1 sector to 64 MiB.", packed ? "Ask the publisher for an intact package." : "Convert it: qemu-img convert -O vmdk -o subformat=streamOptimized.");
        if (descriptor != 0 && (descriptor >= overhead || descriptorSize > overhead - descriptor)) throw Refusal.Of(file, "its descriptor lies outside its head.");
        return new VmdkHeader
        {
            CapacityBytes = (long)capacity * Sector, GrainBytes = (int)grain * Sector, OverheadBytes = (long)overhead * Sector,
            DescriptorOffset = (long)descriptor * Sector, DescriptorBytes = (int)Math.Min(descriptorSize, 2048) * Sector,
            Directory = directory, Packed = packed, HasZeroGrains = (flags & ZeroGrain) != 0,
        };
    }

    /// <summary>Refuses a head whose descriptor says that the disk lies elsewhere, too. What it names is never opened.</summary>
    /// <param name="file">The file's name, for refusals.</param>
    /// <param name="head">The file from its beginning up to <see cref="OverheadBytes"/>.</param>
    public void CheckDescriptor(string file, ReadOnlySpan<byte> head)
    {
        if (DescriptorOffset == 0)
        {
            // A sparse extent without a descriptor is a part of a disk in several files.
            if (!Packed) throw Refusal.Of(file, "it is a part of a disk that consists of several files.", "Export it with stream-optimised disks.");
            return;
        }
        var text = Encoding.ASCII.GetString(head.Slice((int)DescriptorOffset, DescriptorBytes)).TrimEnd('\0');
        var type = Packed ? "streamOptimized" : "monolithicSparse";
        if ((!Packed || text.Contains("createType=", StringComparison.Ordinal)) && !text.Contains($"createType=\"{type}\"", StringComparison.Ordinal))
            throw Refusal.Of(file, $"its descriptor says that it is not {(Packed ? "stream-optimised" : "one sparse file")}.");
        if (text.Contains("parentFileNameHint", StringComparison.Ordinal)) throw Refusal.Of(file, "it builds on another disk file.");
    }
}
