using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Operations;
using Quarterdeck.Workers.Bindings.Queues;

namespace Quarterdeck.Workers.Runtime;

/// <summary>All compute servers of this node: starts the shards, starts cordons when they are first asked for, unloads what is not used or may not be there.</summary>
internal sealed partial class ServerFleet(ServerParts parts, WorkerTable table, Func<ServerEnd, Task> blamed, IOptions<OperationsOptions> operations, ILogger<ServerFleet> logger) : BackgroundService
{
    // User ids: shared shards from the first, cordons above, start-up checks above these.
    private const int FirstCordonUser = 256, FirstCheckUser = 4000, CordonUsers = FirstCheckUser - FirstCordonUser;
    // What a cordon's process gets for itself beside its worker's share of a core.
    private const int OwnPercent = 10;
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(5), Startup = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<long, ComputeServer> _cordons = new();
    private readonly Lock _starting = new();
    private readonly SemaphoreSlim _changed = new(0, 1);
    private ComputeServer[] _shared = [];
    private bool _stopped;

    /// <summary>Where candidates are tried.</summary>
    public CheckServers Checks { get; } = new(parts, parts.Options.FirstUser + FirstCheckUser);

    /// <summary>Why no worker can run here; null when they can.</summary>
    public string? Problem => !parts.Options.Enabled ? "Workers are switched off on this node (Quarterdeck:Workers:Servers:Enabled)." : parts.Binary.Path is null ? parts.Binary.Missing : null;

    /// <summary>Whether every shard has answered once; without workers there is none to wait for.</summary>
    public bool Started => table.IsLoaded && (table.Current.Workers.Count == 0 || _shared.Length > 0 && Array.TrueForAll(_shared, s => s.Generation > 1 || s.IsUp));

    /// <summary>Raised on any thread after a server went up or down.</summary>
    public event Action? Changed;

    private string Node => operations.Value.Node ?? Environment.MachineName;

    public bool ReadsFacts(WorkerKey key) => parts.Packages.Find(key)?.ReadsFacts ?? true;

    public ComputeServer Pick(DeployedWorker worker)
    {
        var shared = _shared;
        if (worker.Tier is WorkerTier.Shared)
        {
            if (shared.Length == 0) shared = StartShards();
            return shared[(int)(worker.Serial % shared.Length)];
        }
        if (worker.Tier is WorkerTier.Cordon && _cordons.TryGetValue(worker.Serial, out var cordon)) return cordon;
        return StartCordon(worker);
    }

    public IReadOnlyList<ComputeServerInfo> List() => [.. _shared.Concat(_cordons.Values.OrderBy(c => c.Process.Serial)).Select(s => s.Process.Describe(Node))];

    public Task EvictAsync(WorkerKey key, CancellationToken cancellation) => Task.WhenAll(Everywhere().Where(s => s.Process.Loaded.Contains(key)).SelectMany(s => new[]
    {
        s.Process.EvictAsync(key.ToString(), cancellation), s.Process.EvictAsync(key + "+tail", cancellation),
    }));

    public async Task<string> ScheduledAsync(DeployedWorker worker, WorkerKey key, string cron, DateTimeOffset at, CancellationToken cancellation)
    {
        var server = Pick(worker);
        await server.ReadyAsync(cancellation);
        using var ticket = server.Begin(key);
        var outcome = server.Process.Admin is { } admin ? await admin.ScheduledAsync(key.ToString(), cron, at, cancellation) : "unavailable";
        ticket.Answered();
        return outcome;
    }

    /// <summary>Calls <c>queue()</c> of a version.</summary>
    /// <returns>What became of it; null when no server could be asked, so that no handler saw the messages.</returns>
    public async Task<QueueVerdict?> QueueAsync(DeployedWorker worker, WorkerKey key, MessageBatch batch, CancellationToken cancellation)
    {
        var server = Pick(worker);
        using (var soon = CancellationTokenSource.CreateLinkedTokenSource(cancellation))
        {
            soon.CancelAfter(Startup);
            try { await server.ReadyAsync(soon.Token); }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested) { return null; }
        }
        using var ticket = server.Begin(key);
        var verdict = server.Process.Admin is { } admin ? await admin.QueueAsync(key.ToString(), batch, cancellation) : null;
        ticket.Answered();
        return verdict;
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        List<ComputeServer> all;
        lock (_starting) (all, _stopped) = ([.. Everywhere()], true);
        await Task.WhenAll(all.Select(s => s.Process.DisposeAsync().AsTask()).Append(Checks.DisposeAsync().AsTask()));
        parts.Folders.End();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (Problem is { } problem)
        {
            Log.Off(logger, problem);
            return;
        }
        table.Changed += Follow;
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                // Who has no workers pays for no shards.
                if (_shared.Length == 0 && table.Current.Workers.Count > 0) StartShards();
                try { await SweepAsync(stoppingToken); }
                catch (Exception e) when (e is not OperationCanceledException) { Log.SweepFailed(logger, e); }
                await _changed.WaitAsync(Turn, stoppingToken);
            }
        }
        catch (OperationCanceledException) { }
        finally { table.Changed -= Follow; }
    }

    private void Follow(WorkerTableSnapshot now) => SweepSoon();

    private IEnumerable<ComputeServer> Everywhere() => _shared.Concat(_cordons.Values);

    private long Shard(int count) => (parts.Options.ShardMiB > 0 ? parts.Options.ShardMiB : Math.Max(1024, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1 << 20) / 2 / count)) * (1L << 20);

    private ComputeServer Make(ServerSetup setup) => new(new ServerProcess(parts, setup, EndedAsync, () => Changed?.Invoke(), SweepSoon), Node);

    private void SweepSoon()
    {
        try { _changed.Release(); }
        catch (SemaphoreFullException) { } // a sweep is due already
    }

    private ComputeServer[] StartShards()
    {
        if (Problem is not null) throw new InvalidOperationException(Problem);
        lock (_starting)
        {
            if (_shared.Length > 0) return _shared;
            ObjectDisposedException.ThrowIf(_stopped, this);
            var count = parts.Options.Shards > 0 ? parts.Options.Shards : Environment.ProcessorCount;
            return _shared = [.. Enumerable.Range(0, count).Select(i => Make(new ServerSetup($"s{i}", WorkerTier.Shared, null, parts.Options.HeapMiB, Shard(count), null, parts.Options.FirstUser + i % FirstCordonUser, SharedCode)))];
        }
    }

    private ComputeServer StartCordon(DeployedWorker worker)
    {
        if (worker.Tier is not WorkerTier.Cordon || Problem is not null)
            throw new InvalidOperationException(Problem ?? $"The worker '{worker.Name}' is {worker.Tier}, or the compute servers have not started.");
        lock (_starting)
        {
            if (_cordons.TryGetValue(worker.Serial, out var made)) return made;
            ObjectDisposedException.ThrowIf(_stopped, this);
            var limits = worker.Versions.Count > 0 ? worker.Versions[0].Limits : WorkerLimits.Usual;
            return _cordons[worker.Serial] = Make(new ServerSetup(
                $"c{worker.Serial}", WorkerTier.Cordon, worker.Serial, Math.Max(16, limits.MemoryMiB), CheckServers.Memory(parts.Options, limits), limits.CpuPercent + OwnPercent, parts.Options.FirstUser + FirstCordonUser + (int)(worker.Serial % CordonUsers),
                (key, cancellation) => key.Serial == worker.Serial ? parts.Packages.LoadAsync(key, cancellation) : throw Elsewhere(key)));
        }
    }

    private Task<CodePackage> SharedCode(WorkerKey key, CancellationToken cancellation) =>
        table.Current.Workers.TryGetValue(key.Serial, out var worker) && worker.Tier is WorkerTier.Shared ? parts.Packages.LoadAsync(key, cancellation) : throw Elsewhere(key);

    private static Platform.ProblemException Elsewhere(WorkerKey key) => new(Platform.Problem.NotFound("version in this compute server", key));

    private async Task SweepAsync(CancellationToken cancellation)
    {
        var workers = table.Current.Workers;
        foreach (var (serial, cordon) in _cordons)
        {
            var wanted = workers.TryGetValue(serial, out var worker) && worker.Tier is WorkerTier.Cordon;
            var idle = cordon.Process.InFlight.Idle;
            // Off is now; a way back to the shared shards waits for the requests that are under way.
            if (wanted ? idle < TimeSpan.FromMinutes(parts.Options.CordonIdleMinutes) : worker?.Tier is WorkerTier.Shared && idle < Turn) continue;
            if (_cordons.TryRemove(serial, out _)) await cordon.Process.DisposeAsync();
            Changed?.Invoke();
        }
        if (!table.IsLoaded) return;
        foreach (var server in Everywhere())
        {
            foreach (var key in server.Process.Loaded)
                if (server.Tier is WorkerTier.Shared && !(workers.TryGetValue(key.Serial, out var worker) && worker.Tier is WorkerTier.Shared))
                    await EvictAsync(server, key, cancellation);
            if (server.Process.Admin is not { } admin) continue;
            var stale = DateTimeOffset.UtcNow.AddMinutes(-parts.Options.IdleMinutes).ToUnixTimeMilliseconds();
            var recent = DateTimeOffset.UtcNow.AddSeconds(-30).ToUnixTimeMilliseconds();
            var isolates = await ListAsync(admin, cancellation);
            var (excess, gone) = (server.Process.Excess, new List<string>());
            foreach (var isolate in isolates.OrderBy(i => i.Used))
            {
                if (!isolate.Open || isolate.Live > 0 || !WorkerKey.TryParse(isolate.Key.Split('+')[0], out var key) || server.Process.InFlight.Has(key)) continue;
                var deployed = workers.TryGetValue(key.Serial, out var worker) && worker.Versions.Any(v => v.Key == key) && !isolate.Key.EndsWith("+tail", StringComparison.Ordinal);
                // What was used longest ago makes room first.
                if (isolate.Used < (deployed ? stale : recent) || excess-- > 0) gone.Add(isolate.Key);
            }
            if (gone.Count == 0) continue;
            await Parallel.ForEachAsync(gone, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellation }, async (key, stop) => await server.Process.EvictAsync(key, stop));
            await server.Process.CollectAsync(cancellation);
        }
    }

    private static async Task EvictAsync(ComputeServer server, WorkerKey key, CancellationToken cancellation)
    {
        await server.Process.EvictAsync(key.ToString(), cancellation);
        await server.Process.EvictAsync(key + "+tail", cancellation);
    }

    private static async Task<IReadOnlyList<IsolateInfo>> ListAsync(AdminClient admin, CancellationToken cancellation)
    {
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        soon.CancelAfter(TimeSpan.FromSeconds(2));
        try { return await admin.ListAsync(soon.Token); }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellation.IsCancellationRequested) { return []; } // busy or gone: at the next turn
    }

    private async Task EndedAsync(ServerEnd end)
    {
        Changed?.Invoke();
        if (end.Blame is not { } key) return;
        try { await blamed(end); }
        catch (Exception e) { Log.StrikeFailed(logger, key, e); }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "No worker runs on this node: {Problem}")]
        public static partial void Off(ILogger logger, string problem);

        [LoggerMessage(LogLevel.Error, "Unused isolates cannot be unloaded.")]
        public static partial void SweepFailed(ILogger logger, Exception error);

        [LoggerMessage(LogLevel.Error, "The strike of {Key} cannot be noted.")]
        public static partial void StrikeFailed(ILogger logger, WorkerKey key, Exception error);
    }
}
