using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Quarterdeck.Workers.NativeGuard;

/// <summary>Looks at every guarded process ten times a second: strikes for turns that were ended, eviction of isolates whose memory passed its limit, CPU and memory into the figures.</summary>
internal sealed partial class GuardPatrol(TierBook tiers, WorkerFigures figures, TimeProvider time, ILogger<GuardPatrol> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private readonly ConcurrentDictionary<GuardRound, bool> _rounds = new();

    // Strikes are written to the database; a slow one must not delay the next look. Full, the oldest are lost: an attacker makes new ones.
    private readonly Channel<Strike> _strikes = Channel.CreateBounded<Strike>(new BoundedChannelOptions(1000) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Looks at a process from now on, until the answer is disposed, which looks a last time: do so before the view.</summary>
    /// <param name="view">The process's file.</param>
    /// <param name="evict">Takes an isolate out of the process, by the worker's key.</param>
    public IDisposable Watch(GuardView view, Func<string, Task> evict)
    {
        var round = new GuardRound(view, figures, strike => _strikes.Writer.TryWrite(strike), key => _ = EvictAsync(evict, key));
        _rounds[round] = true;
        return new Watched(this, round);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var judging = JudgeAsync(stoppingToken);
        using var timer = new PeriodicTimer(Pause, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            foreach (var round in _rounds.Keys) round.Look();
        await judging;
    }

    private async Task JudgeAsync(CancellationToken stopping)
    {
        await foreach (var strike in _strikes.Reader.ReadAllAsync(stopping))
        {
            try { await tiers.StrikeAsync(strike.Key.Serial, strike.Kind, strike.Detail, strike.Count, stopping); }
            catch (Exception e) when (e is not OperationCanceledException) { Log.NotCounted(logger, strike.Key, strike.Kind, e); }
        }
    }

    private async Task EvictAsync(Func<string, Task> evict, string key)
    {
        try { await evict(key); }
        catch (Exception e) { Log.NotEvicted(logger, key, e); }
    }

    private sealed class Watched(GuardPatrol patrol, GuardRound round) : IDisposable
    {
        public void Dispose()
        {
            if (patrol._rounds.TryRemove(round, out _)) round.End();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "A strike of worker {Key} ({Kind}) could not be counted.")]
        public static partial void NotCounted(ILogger logger, WorkerKey key, StrikeKind kind, Exception error);

        [LoggerMessage(LogLevel.Warning, "Worker {Key} has filled its memory and could not be evicted; trying again.")]
        public static partial void NotEvicted(ILogger logger, string key, Exception error);
    }
}

/// <summary>Something that counts against a worker.</summary>
internal sealed record Strike(WorkerKey Key, StrikeKind Kind, int Count, string Detail);
