using Quarterdeck.Operations;

namespace Quarterdeck.Backups.Capture;

/// <summary>Counts bytes read of all disks of a capture, tells the operation, and holds readers back to a rate.</summary>
internal sealed class ByteMeter(IOperationContext operation, TimeProvider time, long? bytesPerSecond)
{
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(100);
    private readonly Lock _gate = new();
    private readonly long _begun = time.GetTimestamp(); // a clock that is set back must not hold a backup for as long
    private long _done, _total;
    private TimeSpan _free;

    /// <summary>Adds to what is to be read in all.</summary>
    public void Expect(long bytes) => Tell(0, bytes);

    /// <summary>Bytes were read.</summary>
    public void Add(long bytes) => Tell(bytes, 0);

    /// <summary>Waits until so many more bytes may be read.</summary>
    public async ValueTask PaceAsync(int bytes, CancellationToken cancellation)
    {
        if (bytesPerSecond is not { } rate) return;
        TimeSpan wait;
        lock (_gate)
        {
            var now = time.GetElapsedTime(_begun);
            if (_free < now - Burst) _free = now - Burst;
            wait = _free - now;
            _free += TimeSpan.FromSeconds((double)bytes / rate);
        }
        if (wait > TimeSpan.Zero) await Task.Delay(wait, time, cancellation);
    }

    private void Tell(long done, long total)
    {
        lock (_gate)
        {
            _done += done;
            _total += total;
            operation.Progress(_done, _total, "bytes");
        }
    }
}
