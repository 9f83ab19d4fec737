using Microsoft.Win32.SafeHandles;
using System.Runtime.InteropServices;

namespace Quarterdeck.Restores.Disks;

/// <summary>Changes of files and names that hold after a power cut.</summary>
internal static partial class Durable
{
    private const int ReadOnly = 0, DirectoryOnly = 0x10000, CloseOnExec = 0x80000;

    /// <summary>Writes a small file under a new name, then gives it the old one's: after a crash it is the one before or the new one, never half.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var fresh = path + ".new";
        using (var file = File.OpenHandle(fresh, FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(file, content, 0);
            RandomAccess.FlushToDisk(file);
        }
        File.Move(fresh, path, overwrite: true);
        SyncFolder(path);
    }

    /// <summary>Renames within a folder.</summary>
    public static void Rename(string from, string to)
    {
        File.Move(from, to, overwrite: false);
        SyncFolder(to);
    }

    /// <summary>Puts a file in another one's place.</summary>
    public static void Replace(string from, string to)
    {
        File.Move(from, to, overwrite: true);
        SyncFolder(to);
    }

    /// <summary>Removes a file, if it is there.</summary>
    public static void Delete(string path)
    {
        File.Delete(path);
        SyncFolder(path);
    }

    /// <summary>Makes a file's content durable.</summary>
    public static void Sync(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.FlushToDisk(file);
    }

    // A new name is durable only when its folder is.
    private static void SyncFolder(string path)
    {
        using var folder = Open(Path.GetDirectoryName(path)!, ReadOnly | DirectoryOnly | CloseOnExec);
        if (folder.IsInvalid || Fsync(folder) != 0) throw new IOException($"'{Path.GetDirectoryName(path)}' could not be made durable: {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);
}
