using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Database;

namespace Quarterdeck.Workers.Bindings.Queues;

/// <summary>Hands messages to their consumers' <c>queue()</c>, on every node: whoever takes a batch in the database has it alone until its lease ends.</summary>
/// <remarks>
/// A call renews its lease while it runs, and is given up when that fails for half of the lease: before another node may take the messages, however long the database is away
/// and as long as the nodes' clocks differ by less than the other half. What a dead node had is handed out again after <see cref="MessageStore.Lease"/>.
/// </remarks>
internal sealed partial class QueuePump(WorkerTable table, MessageStore store, QueueSender sender, Db db, Func<ComputeServers> servers, TimeProvider time, ILogger<QueuePump> logger) : BackgroundService
{
    /// <summary>The longest that a call may take.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);

    private const int AtOnce = 32, AfterEnd = 2;
    // Longer than this node takes to end its processes: until then a handler that was given up may still run.
    private static readonly TimeSpan AfterStop = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Beat = MessageStore.Lease / 6, Patience = MessageStore.Lease / 2, Pause = TimeSpan.FromSeconds(1), Elsewhere = TimeSpan.FromSeconds(3), SweepPause = TimeSpan.FromMinutes(5);
    private readonly ConcurrentDictionary<Task, byte> _calls = new();
    private (WorkerTableSnapshot? Table, Dictionary<string, DeployedWorker> Consumers) _known = (null, []);
    private readonly SemaphoreSlim _places = new(AtOnce), _news = new(0, 1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        sender.Sent += Look;
        var swept = time.GetTimestamp();
        // SQLite has one node: what is held was held by a process that has ended.
        var inherited = db.Dialect.Engine is DatabaseEngine.Sqlite;
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                var wait = Pause;
                try
                {
                    if (inherited) await store.ReturnAllAsync(stoppingToken);
                    inherited = false;
                    if (servers().Available) wait = await LookAsync(stoppingToken);
                    if (time.GetElapsedTime(swept) > SweepPause)
                    {
                        await store.SweepAsync(stoppingToken);
                        swept = time.GetTimestamp();
                    }
                }
                catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { break; }
                catch (Exception e) { Log.Failed(logger, e); } // it must outlive every outage
                await ((Task)_news.WaitAsync(wait, stoppingToken)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            sender.Sent -= Look;
            await Task.WhenAll(_calls.Keys);
        }
    }

    /// <summary>Begins the calls that are due; answers how long nothing more is.</summary>
    internal async Task<TimeSpan> LookAsync(CancellationToken cancellation)
    {
        var consumers = Consumers();
        if (consumers.Count == 0) return Pause;
        var wait = Pause;
        foreach (var turn in await store.TurnsAsync([.. consumers.Keys], cancellation))
        {
            var now = time.GetUtcNow();
            if (turn.DueAt > now)
            {
                wait = Sooner(wait, turn.DueAt - now);
                continue;
            }
            var worker = consumers[turn.Queue];
            while (_places.CurrentCount > 0)
            {
                var (key, consumer) = Choose(worker, turn.Queue);
                if (await store.TakeAsync(consumer, cancellation) is not { } batch)
                {
                    // It fills until its time is over; when too many calls are under way, the end of one here is told, and of others looked for.
                    var full = turn.DueAt.AddSeconds(consumer.MaxBatchTimeoutSeconds) - time.GetUtcNow();
                    if (full > TimeSpan.Zero) wait = Sooner(wait, full);
                    break;
                }
                await _places.WaitAsync(cancellation);
                Begin(worker, key, consumer, batch, cancellation);
            }
        }
        return wait;
    }

    /// <summary>The consumer of each queue. Two workers that consume one queue are refused when they are sent in; a roll back may still bring it about: then the older one consumes.</summary>
    private Dictionary<string, DeployedWorker> Consumers()
    {
        if (ReferenceEquals(_known.Table, table.Current)) return _known.Consumers;
        var now = table.Current;
        var found = new Dictionary<string, DeployedWorker>();
        foreach (var worker in now.Workers.Values.OrderBy(w => w.Serial))
            if (worker.Tier is not WorkerTier.Off)
                foreach (var version in worker.Versions)
                    foreach (var consumer in version.Triggers.Queues)
                        found.TryAdd(consumer.Queue, worker);
        _known = (now, found);
        return found;
    }

    private static (WorkerKey Key, QueueConsumer Consumer) Choose(DeployedWorker worker, string queue)
    {
        var having = worker.Versions.Where(v => v.Triggers.Queues.Any(q => q.Queue == queue)).ToList();
        var share = Random.Shared.Next(having.Sum(v => Math.Max(1, v.Percent)));
        var version = having.Find(v => (share -= Math.Max(1, v.Percent)) < 0) ?? having[0];
        return (version.Key, version.Triggers.Queues.First(q => q.Queue == queue));
    }

    private void Begin(DeployedWorker worker, WorkerKey key, QueueConsumer consumer, MessageBatch batch, CancellationToken stopping)
    {
        var call = Task.Run(() => CallAsync(worker, key, consumer, batch, stopping), CancellationToken.None);
        _calls[call] = 0;
        _ = call.ContinueWith(ended =>
        {
            _calls.TryRemove(ended, out _);
            _places.Release();
            Look();
        }, TaskScheduler.Default);
    }

    private async Task CallAsync(DeployedWorker worker, WorkerKey key, QueueConsumer consumer, MessageBatch batch, CancellationToken stopping)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(patience.Token);
        patience.CancelAfter(Longest);
        var keeping = KeepAsync(batch.Lease, patience, over.Token);
        try
        {
            QueueVerdict? verdict;
            try { verdict = await servers().QueueAsync(worker, key, batch, patience.Token); }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested) { verdict = null; }
            catch (OperationCanceledException) { verdict = QueueVerdict.Failed("exceededWallTime"); }
            // Nothing was sent: its process has just ended, and starts again.
            catch (Exception e) when (e is InvalidOperationException or HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError }) { verdict = null; }
            // The process ended, perhaps by this very message: not again before it had the time to start, or every attempt would be lost to one end.
            catch (HttpRequestException) { verdict = QueueVerdict.Failed("ended") with { DelaySeconds = Math.Max(consumer.RetryDelaySeconds, AfterEnd) }; }
            // Where the node ends, or no server could be asked, it is no fault of the messages: the attempt does not count.
            if (verdict is null) await store.ReturnAsync(batch.Lease, stopping.IsCancellationRequested ? AfterStop : Elsewhere, CancellationToken.None);
            else await store.SettleAsync(consumer, batch, verdict, CancellationToken.None);
            if (verdict is { Outcome: not "ok" }) Log.CallFailed(logger, worker.Name, batch.Queue, batch.Messages.Count, verdict.Outcome);
        }
        catch (Exception e) { Log.NotSettled(logger, worker.Name, batch.Queue, e); }
        finally
        {
            await over.CancelAsync();
            await keeping;
        }
    }

    /// <summary>Renews a call's lease; gives the call up when that was not possible for too long, or the messages are gone.</summary>
    private async Task KeepAsync(string lease, CancellationTokenSource call, CancellationToken over)
    {
        var renewed = time.GetTimestamp();
        while (!over.IsCancellationRequested)
        {
            await Task.Delay(Beat, time, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (over.IsCancellationRequested) return;
            var asked = time.GetTimestamp();
            try
            {
                if (await store.RenewAsync(lease, over)) renewed = asked;
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested) { return; }
            catch (Exception e) { Log.NotRenewed(logger, e); }
            if (time.GetElapsedTime(renewed) < Patience) continue;
            await call.CancelAsync();
            return;
        }
    }

    private void Look()
    {
        try { _news.Release(); }
        catch (SemaphoreFullException) { } // a look is due already
    }

    private static TimeSpan Sooner(TimeSpan one, TimeSpan other) => other < one ? other : one;

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "Messages of queues could not be looked for; tried again in a second.")]
        public static partial void Failed(ILogger logger, Exception error);

        [LoggerMessage(LogLevel.Information, "'{Worker}' did not handle {Count} messages of '{Queue}': {Outcome}.")]
        public static partial void CallFailed(ILogger logger, string worker, string queue, int count, string outcome);

        [LoggerMessage(LogLevel.Warning, "What '{Worker}' did with messages of '{Queue}' could not be recorded; they are handed out again.")]
        public static partial void NotSettled(ILogger logger, string worker, string queue, Exception error);

        [LoggerMessage(LogLevel.Warning, "The lease of messages under way could not be renewed; tried again.")]
        public static partial void NotRenewed(ILogger logger, Exception error);
    }
}
