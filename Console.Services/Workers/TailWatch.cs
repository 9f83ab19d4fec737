using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Quarterdeck.Workers;

/// <summary>One watcher of a worker. While it is not disposed, the worker's requests report what they log.</summary>
/// <remarks>At most <see cref="Capacity"/> runs wait for it; a watcher that is too slow loses the oldest, which <see cref="Dropped"/> counts.</remarks>
public sealed class TailWatch : IDisposable
{
    /// <summary>Runs that may wait.</summary>
    public const int Capacity = 500;

    private readonly Channel<TailEvent> _waiting;
    private readonly Action<TailWatch> _ended;
    private long _dropped;

    internal TailWatch(long serial, TailFilter filter, Action<TailWatch> ended)
    {
        (Serial, Filter, _ended) = (serial, filter, ended);
        _waiting = Channel.CreateBounded<TailEvent>(new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropOldest }, _ => Interlocked.Increment(ref _dropped));
    }

    /// <summary>The worker's number.</summary>
    public long Serial { get; }

    /// <summary>What is wanted; may change at any time.</summary>
    public TailFilter Filter { get; set; }

    /// <summary>How many runs this watcher lost.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>The runs, as they come, until disposed or cancelled.</summary>
    public IAsyncEnumerable<TailEvent> ReadAsync(CancellationToken cancellation) => _waiting.Reader.ReadAllAsync(cancellation);

    /// <summary>The runs in batches, one at most each <paramref name="pace"/>, until disposed or cancelled.</summary>
    public async IAsyncEnumerable<IReadOnlyList<TailEvent>> ReadBatchesAsync(TimeSpan pace, TimeProvider time, [EnumeratorCancellation] CancellationToken cancellation)
    {
        while (await _waiting.Reader.WaitToReadAsync(cancellation))
        {
            var batch = new List<TailEvent>();
            while (batch.Count < Capacity && _waiting.Reader.TryRead(out var run)) batch.Add(run);
            yield return batch;
            await Task.Delay(pace, time, cancellation);
        }
    }

    /// <summary>Stops watching.</summary>
    public void Dispose()
    {
        if (_waiting.Writer.TryComplete()) _ended(this);
    }

    internal void Lost(int runs) => Interlocked.Add(ref _dropped, runs);

    internal void Offer(TailEvent run)
    {
        if (Filter.Matches(run)) _waiting.Writer.TryWrite(run);
    }
}
