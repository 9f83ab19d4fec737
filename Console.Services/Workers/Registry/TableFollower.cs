using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Events;

namespace Quarterdeck.Workers.Registry;

/// <summary>The two topics that the table follows; each item is what the data plane knows of it.</summary>
internal sealed class TableTopics(TableStore store, EventBus bus)
{
    /// <summary>Key: the serial number.</summary>
    public EventStream<DeployedWorker> Workers { get; } = new("worker-table", w => Key(w.Serial),
        (keys, cancellation) => store.WorkersAsync([.. keys.Select(k => long.Parse(k, CultureInfo.InvariantCulture))], cancellation), bus);

    /// <summary>Key: the host name.</summary>
    public EventStream<TableZone> Zones { get; } = new("zone-table", z => z.Hostname, (keys, cancellation) => store.ZonesAsync(keys, cancellation), bus);

    public static string Key(long serial) => serial.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Keeps the <see cref="WorkerTable"/> of this node as the database has it. While the database is away the table stays as it was, and requests go on.</summary>
internal sealed partial class TableFollower(TableTopics topics, TableStore store, WorkerTable table, TimeProvider time, ILogger<TableFollower> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private IReadOnlyDictionary<long, DeployedWorker>? _workers;
    private IReadOnlyDictionary<string, TableZone>? _zones;
    private long _sequence;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        FollowAsync(topics.Workers, c => store.WorkersAsync(null, c), WorkersAre, stoppingToken),
        FollowAsync(topics.Zones, c => store.ZonesAsync(null, c), ZonesAre, stoppingToken));

    private async Task FollowAsync<T>(EventStream<T> stream, Func<CancellationToken, Task<IReadOnlyList<T>>> all, Action<LiveBatch<T>> take, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await foreach (var batch in stream.SubscribeAsync(all, stopping)) take(batch);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested) { return; }
            catch (Exception e)
            {
                Log.Stale(logger, stream.Topic, e);
                await Task.Delay(Pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void WorkersAre(LiveBatch<DeployedWorker> batch)
    {
        lock (_gate)
        {
            var next = batch.Kind is LiveKind.Snapshot || _workers is null ? [] : new Dictionary<long, DeployedWorker>(_workers);
            foreach (var worker in batch.Items) next[worker.Serial] = worker;
            foreach (var key in batch.Keys) next.Remove(long.Parse(key, CultureInfo.InvariantCulture));
            _workers = next;
            Swap();
        }
    }

    private void ZonesAre(LiveBatch<TableZone> batch)
    {
        lock (_gate)
        {
            var next = batch.Kind is LiveKind.Snapshot || _zones is null ? new(StringComparer.OrdinalIgnoreCase) : new Dictionary<string, TableZone>(_zones, StringComparer.OrdinalIgnoreCase);
            foreach (var zone in batch.Items) next[zone.Hostname] = zone;
            foreach (var key in batch.Keys) next.Remove(key);
            _zones = next;
            Swap();
        }
    }

    private void Swap()
    {
        // Before both are known a request would be refused that is not wrong.
        if (_workers is null || _zones is null) return;
        table.Swap(new WorkerTableSnapshot(++_sequence, _workers, _zones), e => Log.FollowerFailed(logger, e));
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The table of workers cannot be brought up to date ({Topic}); it stays as it was, and is tried again.")]
        public static partial void Stale(ILogger logger, string topic, Exception error);

        [LoggerMessage(LogLevel.Error, "A follower of the table of workers failed.")]
        public static partial void FollowerFailed(ILogger logger, Exception error);
    }
}
