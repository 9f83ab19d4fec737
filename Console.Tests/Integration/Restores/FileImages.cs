using System.Buffers.Binary;
using System.Text;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>Disks with file systems in them, made without mounting anything.</summary>
internal sealed class FileImages : IDisposable
{
    private const int Sector = 512, MiB = 1 << 20;

    public string Folder { get; } = Directory.CreateTempSubdirectory("qd-file-images-").FullName;

    /// <summary>The tree that most images hold: text, a large file, links that lead away, names that are hard to show.</summary>
    public string Tree
    {
        get
        {
            var tree = Path.Combine(Folder, "tree");
            return Directory.Exists(tree) ? tree : Make(tree);
        }
    }

    /// <summary>What <c>/data/large</c> holds.</summary>
    public byte[] Large { get; } = Bytes(5 * MiB + 77);

    /// <summary>A file system with the tree, without partitions.</summary>
    public async Task<string> Ext4Async(string name, int mebibytes = 64, string? tree = null, string options = "")
    {
        var path = Empty(name, mebibytes);
        await ShellAsync($"mkfs.ext4 -q -F -L data {options} -d '{tree ?? Tree}' '{path}'");
        return path;
    }

    /// <summary>XFS with one file.</summary>
    public async Task<string> XfsAsync(string name)
    {
        var path = Empty(name, 320);
        var proto = Path.Combine(Folder, name + ".proto");
        await File.WriteAllTextAsync(proto, $"/\n0 0\nd--755 0 0\nfstab ---644 0 0 {Tree}/etc/fstab\n$\n");
        await ShellAsync($"mkfs.xfs -q -L xfsdata -p '{proto}' '{path}'");
        return path;
    }

    /// <summary>Btrfs with the tree.</summary>
    public async Task<string> BtrfsAsync(string name)
    {
        var path = Empty(name, 160);
        await ShellAsync($"mkfs.btrfs -q -L btrdata --rootdir '{Tree}' '{path}'");
        return path;
    }

    /// <summary>NTFS with one file.</summary>
    public async Task<string> NtfsAsync(string name)
    {
        var path = Empty(name, 16);
        await ShellAsync($"mkntfs -Q -F -q '{path}' && ntfscp -q '{path}' '{Tree}/etc/fstab' fstab.txt");
        return path;
    }

    /// <summary>FAT with one file of a long name.</summary>
    public async Task<string> VfatAsync(string name)
    {
        var path = Empty(name, 8);
        await ShellAsync($"mkfs.vfat -n FATDATA '{path}' && mcopy -i '{path}' '{Tree}/etc/fstab' '::A longer name – ä.txt'");
        return path;
    }

    /// <summary>A disk with these file systems as primary partitions.</summary>
    public string Partitioned(string name, params string[] parts)
    {
        var path = Path.Combine(Folder, name);
        using var disk = File.Create(path);
        var table = new byte[Sector];
        var start = MiB / Sector;
        for (var i = 0; i < parts.Length; i++)
        {
            var content = File.ReadAllBytes(parts[i]);
            var entry = table.AsSpan(446 + (i * 16), 16);
            entry[4] = 0x83;
            BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], (uint)start);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[12..], (uint)(content.Length / Sector));
            disk.Position = (long)start * Sector;
            disk.Write(content);
            start += content.Length / Sector;
        }
        (table[510], table[511]) = (0x55, 0xaa);
        disk.Position = 0;
        disk.Write(table);
        return path;
    }

    /// <summary>A physical volume with one group <c>vg0</c> and one logical volume <c>root</c> that holds a file system.</summary>
    public string LogicalVolume(string name, string content)
    {
        const int extent = 4 * MiB, metadata = 4096, dataStart = MiB;
        var bytes = File.ReadAllBytes(content);
        var extents = (bytes.Length + extent - 1) / extent;
        var size = dataStart + ((long)extents * extent);
        var disk = new byte[size];
        const string id = "abcdef-0123-4567-89ab-cdef-0123-456789";
        var text = $$"""
            vg0 {
            id = "AAAAAA-0123-4567-89ab-cdef-0123-456789"
            seqno = 1
            format = "lvm2"
            status = ["RESIZEABLE", "READ", "WRITE"]
            flags = []
            extent_size = {{extent / Sector}}
            max_lv = 0
            max_pv = 0
            metadata_copies = 0
            physical_volumes {
            pv0 {
            id = "{{id}}"
            device = "/dev/vda"
            status = ["ALLOCATABLE"]
            flags = []
            dev_size = {{size / Sector}}
            pe_start = {{dataStart / Sector}}
            pe_count = {{extents}}
            }
            }
            logical_volumes {
            root {
            id = "BBBBBB-0123-4567-89ab-cdef-0123-456789"
            status = ["READ", "WRITE", "VISIBLE"]
            flags = []
            segment_count = 1
            segment1 {
            start_extent = 0
            extent_count = {{extents}}
            type = "striped"
            stripe_count = 1
            stripes = [
            "pv0", 0
            ]
            }
            }
            }
            }
            contents = "Text Format Volume Group"
            version = 1
            description = ""
            creation_host = "test"
            creation_time = 1700000000

            """ + '\0';
        var label = disk.AsSpan(Sector, Sector);
        "LABELONE"u8.CopyTo(label);
        BinaryPrimitives.WriteUInt64LittleEndian(label[8..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(label[20..], 32);
        "LVM2 001"u8.CopyTo(label[24..]);
        Encoding.ASCII.GetBytes(id.Replace("-", "", StringComparison.Ordinal)).CopyTo(label[32..]);
        Put(label[64..], (ulong)size, dataStart, 0, 0, 0, metadata, dataStart - metadata, 0, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(label[16..], Crc(label[20..]));
        var area = disk.AsSpan(metadata, Sector);
        " LVM2 x[5A%r0N*>"u8.CopyTo(area[4..]);
        BinaryPrimitives.WriteUInt32LittleEndian(area[20..], 1);
        var encoded = Encoding.ASCII.GetBytes(text);
        Put(area[24..], metadata, dataStart - metadata, Sector, (ulong)encoded.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(area[56..], Crc(encoded));
        BinaryPrimitives.WriteUInt32LittleEndian(area, Crc(area[4..]));
        encoded.CopyTo(disk.AsSpan(metadata + Sector));
        bytes.CopyTo(disk.AsSpan(dataStart));
        var path = Path.Combine(Folder, name);
        File.WriteAllBytes(path, disk);
        return path;
    }

    /// <summary>Runs a line of shell.</summary>
    public static Task<string> ShellAsync(string line) => SystemLibvirt.RunAsync("bash", "-ec", line);

    // .NET cannot name all of what is in there.
    public void Dispose() => ShellAsync($"rm -rf '{Folder}'").GetAwaiter().GetResult();

    /// <summary>An empty disk.</summary>
    public string Empty(string name, int mebibytes)
    {
        var path = Path.Combine(Folder, name);
        using var file = File.Create(path);
        file.SetLength((long)mebibytes * MiB);
        return path;
    }

    private static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        new Random(7).NextBytes(bytes);
        return bytes;
    }

    private string Make(string tree)
    {
        foreach (var folder in (string[])["etc/deep/deeper", "data", "odd"]) Directory.CreateDirectory(Path.Combine(tree, folder));
        File.WriteAllText(Path.Combine(tree, "etc/fstab"), "proc /proc\n");
        File.WriteAllText(Path.Combine(tree, "etc/deep/deeper/needle.conf"), "found\n");
        File.WriteAllBytes(Path.Combine(tree, "data/large"), Large);
        File.CreateSymbolicLink(Path.Combine(tree, "etc/away"), "/etc/passwd");
        File.CreateSymbolicLink(Path.Combine(tree, "etc/up"), "../..");
        File.CreateSymbolicLink(Path.Combine(tree, "etc/self"), "self");
        ShellAsync($"cd '{tree}/odd'; touch -- $'new\\nline' $'\\xff\\xfe' '..\\..\\boot.ini' '<b>bold' $'\\u202egpj.exe' '-rf' 'ä ö'; mkfifo pipe; chmod 4755 '{tree}/etc/fstab'").GetAwaiter().GetResult();
        return tree;
    }

    private static void Put(Span<byte> at, params ReadOnlySpan<ulong> values)
    {
        for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteUInt64LittleEndian(at[(i * 8)..], values[i]);
    }

    // LVM's own: CRC-32 with another beginning and no inversion at the end.
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = 0xf597a6cfu;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xedb88320 : crc >> 1;
        }
        return crc;
    }
}
