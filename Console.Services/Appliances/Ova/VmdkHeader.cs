using System.Buffers.Binary;

namespace Quarterdeck.Appliances.Ova;

/// <summary>The first sector of a stream-optimised VMDK extent.</summary>
/// <param name="CapacityBytes">Size as the guest sees it.</param>
/// <param name="GrainBytes">Bytes of a grain when unpacked.</param>
/// <param name="OverheadBytes">Where the first grain may begin.</param>
/// <param name="DescriptorOffset">Where the embedded descriptor begins; 0 for none.</param>
/// <param name="DescriptorBytes">Room for the descriptor.</param>
internal sealed record VmdkHeader(long CapacityBytes, int GrainBytes, long OverheadBytes, long DescriptorOffset, int DescriptorBytes)
{
    public const int Sector = 512;
    public const int MaxGrain = 1 << 20;
    private const long MaxOverhead = 64 << 20;
    private const uint Compressed = 1 << 16, Markers = 1 << 17;

    public static bool HasMagic(ReadOnlySpan<byte> sector) => sector.StartsWith("KDMV"u8);

    public static VmdkHeader Parse(string file, ReadOnlySpan<byte> sector)
    {
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(sector[4..]), flags = BinaryPrimitives.ReadUInt32LittleEndian(sector[8..]);
        ulong capacity = BinaryPrimitives.ReadUInt64LittleEndian(sector[12..]), grain = BinaryPrimitives.ReadUInt64LittleEndian(sector[20..]);
        ulong descriptor = BinaryPrimitives.ReadUInt64LittleEndian(sector[28..]), descriptorSize = BinaryPrimitives.ReadUInt64LittleEndian(sector[36..]), overhead = BinaryPrimitives.ReadUInt64LittleEndian(sector[64..]);
        var compression = BinaryPrimitives.ReadUInt16LittleEndian(sector[77..]);
        if (version is < 1 or > 3) throw Refusal.Of(file, $"its VMDK version {version} is not known.");
        if ((flags & Compressed) == 0 || (flags & Markers) == 0 || compression != 1)
            throw Refusal.Of(file, "it is a VMDK, but not stream-optimised.", "Export it as OVA again, or convert it: qemu-img convert -O vmdk -o subformat=streamOptimized.");
        // Compared as sectors, so that no product overflows.
        if (capacity == 0 || capacity > OvaLimits.MaxDiskBytes / Sector) throw Refusal.Of(file, $"its capacity of {capacity} sectors is outside 1 sector to 64 TiB.");
        if (grain is < 8 or > MaxGrain / Sector || (grain & (grain - 1)) != 0) throw Refusal.Of(file, $"its grain of {grain} sectors is not a power of two from 8 to 2048.");
        if (overhead is 0 or > MaxOverhead / Sector) throw Refusal.Of(file, $"its overhead of {overhead} sectors is outside 1 sector to 64 MiB.");
        if (descriptor != 0 && (descriptor >= overhead || descriptorSize > overhead - descriptor)) throw Refusal.Of(file, "its descriptor lies outside its head.");
        return new VmdkHeader((long)capacity * Sector, (int)grain * Sector, (long)overhead * Sector, (long)descriptor * Sector, (int)Math.Min(descriptorSize, 2048) * Sector);
    }
}
