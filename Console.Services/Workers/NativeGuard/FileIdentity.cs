using System.Runtime.InteropServices;

namespace Quarterdeck.Workers.NativeGuard;

/// <summary>What tells one file from another that took its name: the guard compares it inside the process.</summary>
/// <param name="Device">Number of the file system, as <c>stat</c> gives it.</param>
/// <param name="Inode">Number in it.</param>
/// <param name="Size">Bytes.</param>
/// <param name="ModifiedNs">Last change of the content, nanoseconds since 1970.</param>
internal readonly partial record struct FileIdentity(ulong Device, ulong Inode, ulong Size, ulong ModifiedNs)
{
    private const int AtCurrentFolder = -100;
    private const uint BasicStatistics = 0x7ff;

    /// <summary>The identity of the file behind the path (links followed), or null when there is none.</summary>
    public static FileIdentity? Of(string path)
    {
        if (StatX(AtCurrentFolder, path, 0, BasicStatistics, out var found) != 0) return null;
        // The kernel's way of putting the two halves of a device number together (glibc's makedev).
        ulong major = found.DeviceMajor, minor = found.DeviceMinor;
        var device = ((major & 0xfffff000) << 32) | ((major & 0xfff) << 8) | ((minor & 0xffffff00) << 12) | (minor & 0xff);
        return new FileIdentity(device, found.Inode, found.Size, (ulong)found.ModifiedSeconds * 1_000_000_000 + found.ModifiedNanoseconds);
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int StatX(int folder, string path, int flags, uint mask, out Found found);

    /// <summary>The part of <c>struct statx</c> that is read.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Found
    {
        [FieldOffset(32)] public ulong Inode;
        [FieldOffset(40)] public ulong Size;
        [FieldOffset(112)] public long ModifiedSeconds;
        [FieldOffset(120)] public uint ModifiedNanoseconds;
        [FieldOffset(136)] public uint DeviceMajor;
        [FieldOffset(140)] public uint DeviceMinor;
    }
}
