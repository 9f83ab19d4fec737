using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Quarterdeck.Platform.Interop;

/// <summary>Sends a file's pages to the disk while more of it is written, so that the flush at the end has little left to wait for.</summary>
/// <remarks>
/// Begins writing only: nothing is durable before the file is flushed. The call waits where the disk has enough to do, so it has a thread
/// of its own: the pool of a small machine has hardly more threads than cores. Source: sync_file_range(2).
/// </remarks>
public sealed partial class WriteBack : IDisposable
{
    private const long Step = 16 << 20;
    private const uint Begin = 2; // SYNC_FILE_RANGE_WRITE
    private readonly SafeFileHandle _file;
    private readonly BlockingCollection<long> _steps = [];
    private readonly Thread _thread;
    private long _begun;

    /// <param name="file">Written from its beginning on, roughly in order; stays open until this is disposed of.</param>
    public WriteBack(SafeFileHandle file)
    {
        _file = file;
        _thread = new Thread(Run) { IsBackground = true, Name = "write-back" };
        _thread.Start();
    }

    /// <summary>Says that the file is written up to here, give or take what other threads are writing. Any thread may call.</summary>
    /// <param name="end">In bytes.</param>
    public void Reached(long end)
    {
        var begun = Volatile.Read(ref _begun);
        // One step stays behind, because others may still be writing there.
        if (end - begun >= 2 * Step && Interlocked.CompareExchange(ref _begun, begun + Step, begun) == begun) _steps.Add(begun);
    }

    /// <summary>Waits for the call that runs; what has not begun is left to the flush.</summary>
    public void Dispose()
    {
        while (_steps.TryTake(out _)) { }
        _steps.CompleteAdding();
        _thread.Join();
        _steps.Dispose();
    }

    private void Run()
    {
        // Where the file system does not know this, the flush does all of it.
        foreach (var begun in _steps.GetConsumingEnumerable()) _ = SyncRange(_file, begun, Step, Begin);
    }

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncRange(SafeFileHandle file, long offset, long count, uint flags);
}
