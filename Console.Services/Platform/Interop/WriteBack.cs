using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Quarterdeck.Platform.Interop;

/// <summary>Sends a file's pages to the disk while more of it is written, so that the flush at the end has little left to wait for.</summary>
/// <remarks>Begins writing only: nothing is durable before the file is flushed. Source: sync_file_range(2).</remarks>
public sealed partial class WriteBack
{
    private const long Step = 16 << 20;
    private const uint Begin = 2; // SYNC_FILE_RANGE_WRITE
    private readonly SafeFileHandle _file;
    private long _begun;

    /// <param name="file">Written from its beginning on, roughly in order.</param>
    public WriteBack(SafeFileHandle file) => _file = file;

    /// <summary>Says that the file is written up to here, give or take what other threads are writing. Any thread may call.</summary>
    /// <param name="end">In bytes.</param>
    public void Reached(long end)
    {
        var begun = Volatile.Read(ref _begun);
        // One step stays behind, because others may still be writing there.
        if (end - begun < 2 * Step || Interlocked.CompareExchange(ref _begun, begun + Step, begun) != begun) return;
        // Where the file system does not know this, the flush does all of it.
        _ = SyncRange(_file, begun, Step, Begin);
    }

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncRange(SafeFileHandle file, long offset, long count, uint flags);
}
