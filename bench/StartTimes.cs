using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;

namespace Quarterdeck.Bench;

/// <summary>Matches calls with begins, by a number that travels with the work.</summary>
internal sealed class StartTimes
{
    private readonly ConcurrentDictionary<long, long> _called = new();
    private readonly Channel<double> _latencies = Channel.CreateUnbounded<double>();
    private long _last;

    public long Called()
    {
        var number = Interlocked.Increment(ref _last);
        _called[number] = Stopwatch.GetTimestamp();
        return number;
    }

    public void Began(long number)
    {
        // A second begin of the same work does not count.
        if (_called.TryRemove(number, out var at)) _latencies.Writer.TryWrite(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
    }

    public async Task<IReadOnlyList<double>> TakeAsync(int count, CancellationToken cancellation)
    {
        var taken = new List<double>(count);
        while (taken.Count < count) taken.Add(await _latencies.Reader.ReadAsync(cancellation));
        return taken;
    }
}
