using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Quarterdeck.Tests.Support;

/// <summary>Writes stream-optimised VMDK files, right ones and, on demand, wrong ones.</summary>
internal sealed class VmdkBuilder
{
    private const int Sector = 512;
    private readonly MemoryStream _out = new();
    private readonly Dictionary<long, long> _grainAt = [];

    /// <summary>Size of the disk in bytes.</summary>
    public long Capacity { get; init; } = 8 << 20;

    /// <summary>Bytes of a grain.</summary>
    public int Grain { get; init; } = 64 << 10;

    /// <summary>What the header says instead of the capacity, in sectors.</summary>
    public ulong? SaidCapacity { get; init; }

    /// <summary>What the header says instead of the grain, in sectors.</summary>
    public ulong? SaidGrain { get; init; }

    /// <summary>Changes a grain's marker: sector address, packed size, packed data.</summary>
    public Func<ulong, uint, byte[], (ulong Lba, uint Size, byte[] Data)>? Marker { get; init; }

    /// <summary>What the embedded descriptor says as its type.</summary>
    public string CreateType { get; init; } = "streamOptimized";

    /// <summary>Leaves the end marker out.</summary>
    public bool NoEnd { get; init; }

    /// <summary>A file of these grains (index and content, unpacked).</summary>
    public byte[] Build(IEnumerable<(long Index, byte[] Content)> grains)
    {
        Write(Header(gdOffset: ulong.MaxValue));
        var descriptor = Encoding.ASCII.GetBytes($"# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"{CreateType}\"\n\nRW {Capacity / Sector} SPARSE \"disk.vmdk\"\n\nddb.adapterType = \"lsilogic\"\nddb.geometry.cylinders = \"1\"\nddb.geometry.heads = \"16\"\nddb.geometry.sectors = \"63\"\n");
        Write(descriptor);
        _out.SetLength(128 * Sector);
        _out.Position = _out.Length;
        foreach (var (index, content) in grains) GrainOut(index, content);
        Tables();
        if (!NoEnd) Write(new byte[Sector]);
        return _out.ToArray();
    }

    /// <summary>Content that does not pack away, the same for the same seed.</summary>
    public static byte[] Noise(int seed, int length = 64 << 10)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        // Half of it packs, as real disks do.
        bytes.AsSpan(0, length / 2).Fill((byte)(seed | 1));
        return bytes;
    }

    private void GrainOut(long index, byte[] content)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true)) zlib.Write(content);
        var (lba, size, data) = ((ulong)(index * (Grain / Sector)), (uint)packed.Length, packed.ToArray());
        if (Marker is not null) (lba, size, data) = Marker(lba, size, data);
        _grainAt[index] = _out.Position / Sector;
        var head = new byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(head, lba);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(8), size);
        Write(head);
        Write(data);
        Pad();
    }

    /// <summary>Grain tables, directory and footer, for readers that seek.</summary>
    private void Tables()
    {
        var coverage = 512L * Grain;
        var tables = (Capacity + coverage - 1) / coverage;
        var directory = new uint[tables];
        for (var t = 0L; t < tables; t++)
        {
            var entries = new byte[512 * 4];
            var any = false;
            for (var e = 0; e < 512; e++)
                if (_grainAt.TryGetValue(t * 512 + e, out var at)) { BinaryPrimitives.WriteUInt32LittleEndian(entries.AsSpan(e * 4), (uint)at); any = true; }
            if (!any) continue;
            MarkerOut(4, 1);
            directory[t] = (uint)(_out.Position / Sector);
            Write(entries);
        }
        MarkerOut((tables * 4 + Sector - 1) / Sector, 2);
        var directoryAt = _out.Position / Sector;
        foreach (var entry in directory) Write(BitConverter.GetBytes(entry));
        Pad();
        MarkerOut(1, 3);
        Write(Header((ulong)directoryAt));
    }

    private void MarkerOut(long sectors, uint type)
    {
        var marker = new byte[Sector];
        BinaryPrimitives.WriteInt64LittleEndian(marker, sectors);
        BinaryPrimitives.WriteUInt32LittleEndian(marker.AsSpan(12), type);
        Write(marker);
    }

    private byte[] Header(ulong gdOffset)
    {
        var header = new byte[Sector];
        "KDMV"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), 3);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), 0x30001);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(12), SaidCapacity ?? (ulong)(Capacity / Sector));
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(20), SaidGrain ?? (ulong)(Grain / Sector));
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(28), 1);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(36), 20);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(44), 512);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(56), gdOffset);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(64), 128);
        "\n \r\n"u8.CopyTo(header.AsSpan(73));
        header[77] = 1;
        return header;
    }

    private void Write(byte[] bytes) => _out.Write(bytes);

    private void Pad() => Write(new byte[(-_out.Position) & (Sector - 1)]);
}
