using System.Buffers.Binary;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts.Storage;

/// <summary>Looks into an image file before any tool opens it: an image can name other files of the host, and QEMU would open them.</summary>
internal static class ImageCheck
{
    private const uint QcowMagic = 0x514649fb, DataFileName = 0x44415441;

    /// <summary>Null when the file is a plain image of the format, else what is wrong with it.</summary>
    public static FieldError? Look(string path, string format, string field)
    {
        if (!FileRoots.IsPlainFile(path)) return Wrong(field, $"'{path}' is not a plain file.");
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var head = new byte[(int)Math.Min(64 * 1024, file.Length)];
            file.ReadExactly(head);
            if (file.Length == 0) return new FieldError(field, $"'{path}' is empty.", "Choose a disk image.");
            var isQcow = head.Length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(head) == QcowMagic;
            if (format == "qcow2") return isQcow ? Qcow(head, path, field) : Wrong(field, $"'{path}' is not a qcow2 image.");
            if (isQcow) return Wrong(field, $"'{path}' is a qcow2 image, not a raw one.");
            return OtherFormat(head) is { } other
                ? new FieldError(field, $"'{path}' is a {other} image.", "Convert it to qcow2 or raw first; it may name other files of the host.")
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Wrong(field, $"'{path}' cannot be read: {e.Message}");
        }
    }

    private static FieldError? Qcow(byte[] head, string path, string field)
    {
        const int ShortHeader = 72, LongHeader = 104;
        if (head.Length < ShortHeader) return Wrong(field, $"'{path}' is cut off.");
        var version = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(4));
        if (version is not (2 or 3)) return Wrong(field, $"'{path}' is qcow2 of the unknown version {version}.");
        if (BinaryPrimitives.ReadUInt64BigEndian(head.AsSpan(8)) != 0 || BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(16)) != 0)
            return new FieldError(field, $"'{path}' names a backing file.", "Merge it into one image first (qemu-img rebase or convert).");
        if (BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(32)) != 0)
            return new FieldError(field, $"'{path}' is encrypted.", "Decrypt it first.");
        if (version == 2) return null;
        if (head.Length < LongHeader) return Wrong(field, $"'{path}' is cut off.");
        const ulong ExternalData = 1 << 2;
        if ((BinaryPrimitives.ReadUInt64BigEndian(head.AsSpan(72)) & ExternalData) != 0 || HasExtension(head, DataFileName))
            return new FieldError(field, $"'{path}' keeps its data in another file.", "Convert it to one image first.");
        return null;
    }

    private static bool HasExtension(byte[] head, uint wanted)
    {
        for (long at = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(100)); at >= 0 && at + 8 <= head.Length;)
        {
            var kind = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan((int)at));
            var length = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan((int)at + 4));
            if (kind == wanted) return true;
            if (kind == 0) return false;
            at += 8 + ((length + 7L) & ~7L);
        }
        return false;
    }

    private static string? OtherFormat(ReadOnlySpan<byte> head) =>
        head.StartsWith("KDMV"u8) || head.StartsWith("COWD"u8) || head.StartsWith("# Disk DescriptorFile"u8) ? "VMDK"
        : head.StartsWith("vhdxfile"u8) ? "VHDX"
        : head.StartsWith("conectix"u8) ? "VHD"
        : head.StartsWith("QED\0"u8) ? "QED"
        : head.StartsWith("LUKS"u8) ? "LUKS"
        : head.StartsWith("WithoutFreeSpace"u8) || head.StartsWith("WithouFreSpacExt"u8) ? "Parallels"
        : head.Length > 68 && head[64..68].SequenceEqual(new byte[] { 0x7f, 0x10, 0xda, 0xbe }) ? "VDI"
        : null;

    private static FieldError Wrong(string field, string message) => new(field, message, "Choose a readable qcow2 or raw image and name its format.");
}
