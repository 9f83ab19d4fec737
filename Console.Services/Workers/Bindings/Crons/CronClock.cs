using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Operations;

namespace Quarterdeck.Workers.Bindings.Crons;

/// <summary>Calls <c>scheduled()</c> when it is due: each due time once, on whichever node is first.</summary>
/// <remarks>
/// A call is made by the node that inserts its row. When that node dies before the call has ended, another one makes it again after <see cref="Longest"/>: a worker
/// is then called twice for one due time, which its <c>scheduledTime</c> tells. While no node was up nothing is caught up but the last few minutes.
/// </remarks>
internal sealed partial class CronClock(WorkerTable table, CronStore store, Func<ComputeServers> servers, TimeProvider time, ILogger<CronClock> logger) : BackgroundService
{
    /// <summary>The longest that a call may take.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);

    private const int AtOnce = 16;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1), Late = TimeSpan.FromMinutes(5);
    private readonly SemaphoreSlim _places = new(AtOnce);
    private readonly ConcurrentDictionary<string, CronRule?> _rules = new();
    private readonly string _node = $"{Environment.MachineName}:{Environment.ProcessId}";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var seen = time.GetUtcNow();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var now = time.GetUtcNow();
                // A clock that was set back must not call anything twice; the rows see to that.
                if (now - seen > Late || now < seen) seen = now - Minute;
                if (servers().Available) await LookAsync(seen, now, stoppingToken);
                seen = now;
                if (now.Minute == 0) await store.SweepAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { return; }
            catch (Exception e) { Log.Failed(logger, e); } // the clock must outlive every outage
            var next = new DateTimeOffset(time.GetUtcNow().Ticks / Minute.Ticks * Minute.Ticks + Minute.Ticks, TimeSpan.Zero);
            await Task.Delay(next - time.GetUtcNow() + TimeSpan.FromMilliseconds(5), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Makes the calls that became due after <paramref name="after"/> and until <paramref name="until"/>, as far as no other node has made them.</summary>
    internal async Task LookAsync(DateTimeOffset after, DateTimeOffset until, CancellationToken cancellation)
    {
        foreach (var worker in table.Current.Workers.Values)
        {
            if (worker.Tier is WorkerTier.Off) continue;
            foreach (var cron in worker.Versions.SelectMany(v => v.Triggers.Crons).Distinct())
                for (var due = Next(cron, after); due is { } at && at <= until; due = Next(cron, at))
                {
                    var key = Choose(worker, cron);
                    if (await store.TakeAsync(key, cron, at, _node, cancellation)) await BeginAsync(worker, key, cron, at, cancellation);
                }
        }
        while (await store.TakeLeftAsync(until - Longest - Minute, _node, cancellation) is { } left)
        {
            if (table.Current.Workers.TryGetValue(left.Serial, out var worker) && worker.Tier is not WorkerTier.Off && worker.Versions.Any(v => v.Key.Version == left.Version))
                await BeginAsync(worker, new WorkerKey(left.Serial, left.Version), left.Cron, left.DueAt, cancellation);
            else await store.EndAsync(left.Serial, left.Cron, left.DueAt, "lost", cancellation);
        }
    }

    private async Task BeginAsync(DeployedWorker worker, WorkerKey key, string cron, DateTimeOffset due, CancellationToken cancellation)
    {
        await _places.WaitAsync(cancellation);
        _ = Task.Run(async () =>
        {
            try
            {
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                patience.CancelAfter(Longest);
                string outcome;
                try { outcome = await servers().ScheduledAsync(worker, key, cron, due, patience.Token); }
                catch (OperationCanceledException) when (!cancellation.IsCancellationRequested) { outcome = "exceededWallTime"; }
                catch (Exception e) when (e is HttpRequestException or InvalidOperationException) { outcome = "unavailable"; }
                await store.EndAsync(worker.Serial, cron, due, outcome, CancellationToken.None);
            }
            catch (OperationCanceledException) { } // the node stops: another one makes the call again
            catch (Exception e) { Log.RunFailed(logger, worker.Name, cron, e); }
            finally { _places.Release(); }
        }, CancellationToken.None);
    }

    private static WorkerKey Choose(DeployedWorker worker, string cron)
    {
        var having = worker.Versions.Where(v => v.Triggers.Crons.Contains(cron)).ToList();
        var share = Random.Shared.Next(having.Sum(v => Math.Max(1, v.Percent)));
        return (having.FirstOrDefault(v => (share -= Math.Max(1, v.Percent)) < 0) ?? having[0]).Key;
    }

    private DateTimeOffset? Next(string cron, DateTimeOffset after) =>
        _rules.GetOrAdd(cron, text => CronRule.Parse(text, "UTC") is { Ok: true } rule ? rule.Value : null)?.Next(after);

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "Due calls of workers could not be looked for; tried again in a minute.")]
        public static partial void Failed(ILogger logger, Exception error);

        [LoggerMessage(LogLevel.Error, "The call of '{Worker}' by '{Cron}' could not be recorded.")]
        public static partial void RunFailed(ILogger logger, string worker, string cron, Exception error);
    }
}
