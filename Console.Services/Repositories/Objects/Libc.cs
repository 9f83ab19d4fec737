using System.Runtime.InteropServices;

namespace Quarterdeck.Repositories.Objects;

/// <summary>What .NET lacks: making a folder's entries durable.</summary>
internal static partial class Libc
{
    private const int Directory = 0x10000, CloseOnExec = 0x80000;

    /// <summary>Makes renames and deletions in a folder survive a power cut.</summary>
    public static void SyncFolder(string folder)
    {
        var descriptor = Open(folder, Directory | CloseOnExec);
        if (descriptor < 0) throw new IOException($"{folder}: {Marshal.GetLastPInvokeErrorMessage()}", Marshal.GetLastPInvokeError());
        var failed = Fsync(descriptor) != 0 ? Marshal.GetLastPInvokeError() : 0;
        _ = Close(descriptor);
        if (failed != 0) throw new IOException($"{folder}: {Marshal.GetPInvokeErrorMessage(failed)}", failed);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
