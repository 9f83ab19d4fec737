using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Events;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers.Nodes;

/// <summary>Brings what workers do on other nodes to those who watch here, and theirs to them. Only where there may be other nodes.</summary>
internal sealed partial class TailRelay(WatchStore store, WorkerTails tails, TailTopics topics, EventBus bus, TimeProvider time, ILogger<TailRelay> logger) : BackgroundService
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(20), Renewal = TimeSpan.FromSeconds(5), Pace = TimeSpan.FromMilliseconds(150), Kept = TimeSpan.FromSeconds(30);

    // Numbers are given before they can be seen, so a lower one may come a little later.
    private const int Overlap = 300;

    private readonly Channel<ReportedRuns> _out = Channel.CreateBounded<ReportedRuns>(new BoundedChannelOptions(512) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly ConcurrentDictionary<long, long> _elsewhere = new(); // serial -> when another node said so
    private readonly ConcurrentDictionary<long, Position> _read = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!bus.IsShared) return;
        tails.Changed += Changed;
        tails.Elsewhere = (serial, version, events, lost) => _out.Writer.TryWrite(new ReportedRuns(serial, version, events, lost));
        try
        {
            await Task.WhenAll(
                RepeatAsync(c => FollowAsync(topics.Watches, c2 => store.WatchedAsync(null, c2), WatchesAre, c), stoppingToken),
                RepeatAsync(c => FollowAsync(topics.Runs, _ => Task.FromResult<IReadOnlyList<long>>([.. tails.Here]), b => ReadAsync(b.Items, c), c), stoppingToken),
                RepeatAsync(RenewAsync, stoppingToken), RepeatAsync(SendAsync, stoppingToken));
        }
        finally { tails.Changed -= Changed; }
    }

    private void Changed()
    {
        try { _changed.Release(); }
        catch (SemaphoreFullException) { } // it looks anyway
    }

    private async Task RepeatAsync(Func<CancellationToken, Task> work, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try { await work(stopping); }
            catch (Exception e) when (!stopping.IsCancellationRequested) { Log.Interrupted(logger, e.Message); }
            catch (OperationCanceledException) { return; }
            await Task.Delay(TimeSpan.FromSeconds(1), time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task FollowAsync(EventStream<long> stream, Func<CancellationToken, Task<IReadOnlyList<long>>> all, Func<LiveBatch<long>, Task> take, CancellationToken stopping)
    {
        await foreach (var batch in stream.SubscribeAsync(all, stopping)) await take(batch);
    }

    private Task WatchesAre(LiveBatch<long> batch)
    {
        foreach (var serial in batch.Items) _elsewhere[serial] = time.GetTimestamp();
        foreach (var serial in TailTopics.Serials(batch.Keys)) _elsewhere.TryRemove(serial, out _);
        Tell();
        return Task.CompletedTask;
    }

    private void Tell()
    {
        foreach (var (serial, said) in _elsewhere)
            if (time.GetElapsedTime(said) > Lease) _elsewhere.TryRemove(serial, out _);
        tails.WatchedElsewhere = _elsewhere.Keys.ToFrozenSet();
    }

    /// <summary>Says what is watched here, again and again: a watcher that was killed is forgotten.</summary>
    private async Task RenewAsync(CancellationToken stopping)
    {
        try
        {
            for (IReadOnlyCollection<long> before = []; ; await _changed.WaitAsync(Renewal, stopping))
            {
                var now = tails.Here;
                var ended = before.Except(now).ToList();
                if (now.Count > 0)
                {
                    var last = await store.WatchAsync(now, Lease, stopping);
                    foreach (var serial in now) _read.TryAdd(serial, new Position(last));
                }
                if (ended.Count > 0) await store.EndAsync(ended, stopping);
                foreach (var serial in ended) _read.TryRemove(serial, out _);
                topics.Watches.Changed([.. now.Concat(ended).Select(TableTopics.Key)]);
                before = now;
                Tell();
            }
        }
        finally
        {
            if (stopping.IsCancellationRequested && !_read.IsEmpty)
            {
                using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(2));
                await store.EndAsync(null, soon.Token);
            }
        }
    }

    private async Task SendAsync(CancellationToken stopping)
    {
        var swept = time.GetTimestamp();
        while (await _out.Reader.WaitToReadAsync(stopping))
        {
            var batch = new List<ReportedRuns>();
            while (_out.Reader.TryRead(out var one)) batch.Add(one);
            await store.ReportAsync(batch, stopping);
            topics.Runs.Changed([.. batch.Select(r => TableTopics.Key(r.Serial)).Distinct()]);
            if (time.GetElapsedTime(swept) > Kept)
            {
                await store.SweepAsync(Kept, stopping);
                swept = time.GetTimestamp();
            }
            await Task.Delay(Pace, time, stopping);
        }
    }

    private async Task ReadAsync(IReadOnlyList<long> serials, CancellationToken stopping)
    {
        foreach (var serial in serials)
        {
            if (!_read.TryGetValue(serial, out var position)) continue;
            foreach (var runs in await store.ReadAsync(serial, position.From, stopping))
                if (position.IsNew(runs.Id)) tails.Receive(runs.Serial, runs.Version, System.Text.Encoding.UTF8.GetBytes(runs.Events), runs.Lost);
        }
    }

    /// <summary>How far the reports of a worker were read.</summary>
    private sealed class Position(long begin)
    {
        private readonly SortedSet<long> _seen = [];

        public long From => Math.Max(begin, (_seen.Count > 0 ? _seen.Max : 0) - Overlap);

        public bool IsNew(long id)
        {
            if (!_seen.Add(id)) return false;
            while (_seen.Min < _seen.Max - Overlap) _seen.Remove(_seen.Min);
            return true;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Logs of workers on other nodes are interrupted: {Reason}")]
        public static partial void Interrupted(ILogger logger, string reason);
    }
}
