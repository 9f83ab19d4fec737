using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Quarterdeck.Workers.Figures;

/// <summary>Takes samples each five seconds, stores each minute, makes hours of old minutes and forgets old hours.</summary>
internal sealed partial class FigureKeeper(WorkerFigures figures, FigureStore store, FigureExport export, TimeProvider time, ILogger<FigureKeeper> logger) : BackgroundService
{
    /// <summary>How long minutes are kept, and hours.</summary>
    public static readonly TimeSpan Minutes = TimeSpan.FromHours(24), Hours = TimeSpan.FromDays(30);

    private const int MostWaiting = 100_000;
    private static readonly TimeSpan Idle = TimeSpan.FromHours(1);
    private readonly List<FigureRow> _waiting = [];
    private readonly Dictionary<WorkerKey, DateTimeOffset> _used = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        GC.KeepAlive(export); // its instruments exist from the start, whoever asks for them
        var minute = Minute(time.GetUtcNow());
        try
        {
            while (true)
            {
                await Task.Delay(VersionCounters.Beat, time, stoppingToken);
                foreach (var (_, version) in figures.Versions) version.Sample();
                if (Minute(time.GetUtcNow()) is var now && now <= minute) continue;
                Close(minute);
                minute = now;
                await StoreAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            Close(minute);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            await StoreAsync(limit.Token);
        }
    }

    /// <summary>Ends a minute: its counts wait to be stored.</summary>
    internal void Close(DateTimeOffset minute)
    {
        foreach (var (key, version) in figures.Versions)
        {
            var counts = version.CloseMinute();
            if (!counts.IsEmpty)
            {
                _used[key] = minute;
                if (_waiting.Count < MostWaiting) _waiting.Add(FigureRow.Of(key, counts, version.MemoryBytes, minute, 60, figures.Node));
            }
            else if (minute - _used.GetValueOrDefault(key, minute) > Idle)
            {
                _used.Remove(key);
                figures.Forget(key);
            }
            else
            {
                _used.TryAdd(key, minute);
            }
        }
    }

    /// <summary>Stores what waits; while the database is away it waits on.</summary>
    internal async Task StoreAsync(CancellationToken cancellation)
    {
        try
        {
            await store.SaveAsync(_waiting, cancellation);
            _waiting.Clear();
            while (await store.FoldAsync(time.GetUtcNow() - Minutes, figures.Node, cancellation)) { }
            await store.PruneAsync(time.GetUtcNow() - Hours, cancellation);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellation.IsCancellationRequested) { Log.NotStored(logger, _waiting.Count, e.Message); }
        catch (OperationCanceledException) { Log.NotStored(logger, _waiting.Count, "there was no time"); }
    }

    private static DateTimeOffset Minute(DateTimeOffset at) => at.AddTicks(-(at.Ticks % TimeSpan.TicksPerMinute));

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "{Count} minutes of workers' figures are not stored yet: {Reason}")]
        public static partial void NotStored(ILogger logger, int count, string reason);
    }
}
