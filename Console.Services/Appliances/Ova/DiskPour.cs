using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Ova;

/// <summary>A disk's file on its way into an image.</summary>
/// <param name="File">The file's name, for refusals.</param>
/// <param name="Content">Its content, unpacked; read once.</param>
/// <param name="Bytes">Its length; null when that is not known before its end.</param>
/// <param name="Disk">What the descriptor says about the disk.</param>
internal sealed record DiskSource(string File, Stream Content, long? Bytes, OvfDisk Disk)
{
    /// <summary>Size of the disk in whole sectors, in bytes.</summary>
    public long CapacityBytes => (Disk.CapacityBytes + 511) & ~511L;

    /// <summary>Refuses an image of another size than the descriptor says.</summary>
    public void Sized(long bytes)
    {
        if (bytes != Disk.CapacityBytes && bytes != CapacityBytes) throw Refusal.Of(File, $"it is a disk of {bytes} bytes, but the descriptor says {Disk.CapacityBytes}.");
    }
}

/// <summary>Pours a package's disk file into a new qcow2 image while it is read, whatever format it has.</summary>
internal static class DiskPour
{
    private const int Head = 512;

    /// <param name="source">The file.</param>
    /// <param name="path">The image to write; it has no header before it is whole.</param>
    /// <param name="cancellation">Stops.</param>
    /// <returns>The file's format, one of <see cref="DiskFormats"/>.</returns>
    /// <exception cref="ProblemException">The file is refused; says why.</exception>
    public static async Task<string> RunAsync(DiskSource source, string path, CancellationToken cancellation)
    {
        var reader = new BufferedReader(source.File, source.Content);
        var head = (await reader.PeekAsync(Head, cancellation)).ToArray();
        if (VmdkHeader.HasMagic(head))
        {
            if (head.Length < Head) throw Refusal.Truncated(source.File);
            var header = VmdkHeader.Parse(source.File, head);
            source.Sized(header.CapacityBytes);
            using var image = new Qcow2Writer(path, header.CapacityBytes);
            if (header.Packed) await PackedVmdk.PourAsync(source.File, reader, header, image, cancellation);
            else await SparseVmdk.PourAsync(source.File, reader, header, image, cancellation);
            await Task.Run(image.Finish, cancellation);
            return DiskFormats.Vmdk;
        }
        if (Qcow2Header.HasMagic(head))
        {
            await Qcow2Pour.RunAsync(source, reader, path, cancellation);
            return DiskFormats.Qcow2;
        }
        RefuseOthers(source, head);
        await RawPour.RunAsync(source, reader, path, cancellation);
        return DiskFormats.Raw;
    }

    /// <summary>Raw is taken only where descriptor or name say so: a file of an unknown format must not become a disk of garbage.</summary>
    private static void RefuseOthers(DiskSource source, ReadOnlySpan<byte> head)
    {
        if (head.IndexOf("# Disk DescriptorFile"u8) >= 0) throw Refusal.Of(source.File, "it is a text descriptor, which could name files of this host.", "Export it with stream-optimised disks.");
        var kind = head.StartsWith("COWD"u8) ? "an old sparse VMDK" : head.StartsWith("conectix"u8) ? "a VHD image" : head.StartsWith("vhdxfile"u8) ? "a VHDX image"
            : head.StartsWith("<<< "u8) ? "a VirtualBox image" : head is [0x1f, 0x8b, ..] ? "packed with gzip, which the descriptor does not say" : null;
        if (kind is null && DiskFormats.Declared(source.Disk) == DiskFormats.Raw) return;
        if (kind is null && DiskFormats.Declared(source.Disk).Length == 0 && Path.GetExtension(source.File).ToLowerInvariant() is ".raw" or ".img" or ".dd") return;
        throw Refusal.Of(source.File, $"it is {kind ?? "no disk format that is known"}; VMDK, qcow2 and raw are taken.", "Convert it: qemu-img convert -O vmdk -o subformat=streamOptimized.");
    }
}
