using System.Buffers.Binary;
using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Quarterdeck.Bench;

/// <summary>Writes an OVA whose stream-optimised disk is as large as wanted: some hundred grains, packed once as QEMU packs them, again and again at other places.</summary>
internal static class LargePackage
{
    private const int Sector = 512, Grain = 64 << 10, Distinct = 384, PerTable = 512;

    /// <summary>Writes <c>disk.vmdk</c> and <c>package.ova</c>, with a manifest of SHA-256 in front of the disk.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="diskFileBytes">Least size of the disk's file.</param>
    /// <returns>The package's path.</returns>
    public static string Write(string folder, long diskFileBytes)
    {
        var disk = Path.Combine(folder, "disk.vmdk");
        var capacity = WriteDisk(disk, diskFileBytes);
        var size = new FileInfo(disk).Length;
        var descriptor = Encoding.UTF8.GetBytes($"""
            <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
              <References><File ovf:id="f" ovf:href="disk.vmdk" ovf:size="{size}"/></References>
              <DiskSection><Info/><Disk ovf:diskId="d" ovf:capacity="{capacity}" ovf:fileRef="f"/></DiskSection>
              <VirtualSystem ovf:id="bench"><Info/><VirtualHardwareSection><Info/>
                <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
                <Item><rasd:HostResource>ovf:/disk/d</rasd:HostResource><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>17</rasd:ResourceType></Item>
              </VirtualHardwareSection></VirtualSystem>
            </Envelope>
            """);
        using var content = File.OpenRead(disk);
        var manifest = $"SHA256(bench.ovf)= {Convert.ToHexStringLower(SHA256.HashData(descriptor))}\nSHA256(disk.vmdk)= {Convert.ToHexStringLower(SHA256.HashData(content))}\n";
        var package = Path.Combine(folder, "package.ova");
        using var tar = new TarWriter(File.Create(package), TarEntryFormat.Ustar);
        Entry("bench.ovf", new MemoryStream(descriptor));
        Entry("bench.mf", new MemoryStream(Encoding.ASCII.GetBytes(manifest)));
        content.Position = 0;
        Entry("disk.vmdk", content);
        return package;

        void Entry(string name, Stream data) => tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = data });
    }

    private static long WriteDisk(string path, long least)
    {
        var packed = Enumerable.Range(0, Distinct).Select(Pack).ToArray();
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 20);
        var places = new List<uint>();
        file.SetLength(128 * Sector);
        file.Position = file.Length;
        for (var i = 0; file.Position < least; i++)
        {
            places.Add((uint)(file.Position / Sector));
            // Every eighth grain of the disk is a hole, as on real ones.
            if (i % 8 == 7) places[^1] = 0;
            else Marked(file, (ulong)i * (Grain / Sector), packed[i % Distinct]);
        }
        var capacity = (long)places.Count * Grain;
        var tables = new List<uint>();
        foreach (var table in places.Chunk(PerTable))
        {
            Marker(file, PerTable * 4 / Sector, 1);
            tables.Add((uint)(file.Position / Sector));
            Numbers(file, table, PerTable);
        }
        Marker(file, (tables.Count * 4 + Sector - 1) / Sector, 2);
        var directory = file.Position / Sector;
        Numbers(file, tables, (tables.Count + 127) / 128 * 128);
        Marker(file, 1, 3);
        file.Write(Header(capacity, (ulong)directory));
        file.Write(new byte[Sector]);
        file.Position = 0;
        file.Write(Header(capacity, ulong.MaxValue));
        file.Write(Encoding.ASCII.GetBytes($"# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"streamOptimized\"\n\nRW {capacity / Sector} SPARSE \"disk.vmdk\"\n\nddb.adapterType = \"lsilogic\"\n"));
        return capacity;
    }

    /// <summary>A grain like text and tables on a disk: some two to one.</summary>
    private static byte[] Pack(int seed)
    {
        var random = new Random(seed);
        var words = Enumerable.Range(0, 3000).Select(_ => { var word = new byte[random.Next(2, 11)]; random.NextBytes(word); return word; }).ToArray();
        using var plain = new MemoryStream();
        while (plain.Length < Grain) plain.Write(words[random.Next(random.Next(1, words.Length))]);
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true)) zlib.Write(plain.GetBuffer(), 0, Grain);
        return packed.ToArray();
    }

    private static void Marked(Stream file, ulong sector, byte[] packed)
    {
        Span<byte> head = stackalloc byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(head, sector);
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], packed.Length);
        file.Write(head);
        file.Write(packed);
        file.Write(new byte[(Sector - (packed.Length + 12) % Sector) % Sector]);
    }

    private static void Marker(Stream file, long sectors, int type)
    {
        var marker = new byte[Sector];
        BinaryPrimitives.WriteInt64LittleEndian(marker, sectors);
        marker[12] = (byte)type;
        file.Write(marker);
    }

    private static void Numbers(Stream file, IReadOnlyList<uint> numbers, int count)
    {
        var bytes = new byte[count * 4];
        for (var i = 0; i < numbers.Count; i++) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i * 4), numbers[i]);
        file.Write(bytes);
    }

    private static byte[] Header(long capacity, ulong directory)
    {
        var header = new byte[Sector];
        "KDMV"u8.CopyTo(header);
        header[4] = 3;
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), 0x30001);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(12), capacity / Sector);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(20), Grain / Sector);
        header[28] = 1;
        header[36] = 20;
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(44), PerTable);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(56), directory);
        header[64] = 128;
        "\n \r\n"u8.CopyTo(header.AsSpan(73));
        header[77] = 1;
        return header;
    }
}
