using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers.Objects;

/// <summary>The processes of this node that have durable objects: one for each worker whose objects are in use, and never two.</summary>
internal sealed partial class ObjectFleet(
    ServerParts parts, WorkerTable table, StoreLease lease, ObjectStore store, ObjectOptions limits, Func<ServerEnd, Task> blamed, IOptions<OperationsOptions> operations, ILogger<ObjectFleet> logger) : BackgroundService
{
    // User ids: between those of cordons and those of start-up checks, so that no neighbour reads the files.
    private const int FirstUser = 8192, Users = 16_384, OwnPercent = 10;
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(5), Glance = TimeSpan.FromSeconds(1), Soon = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<long, ObjectServer> _servers = new();
    private readonly ConcurrentDictionary<long, DateTimeOffset> _wakes = new();
    private readonly ConcurrentDictionary<long, long> _bytes = new();
    private readonly Lock _starting = new();
    private bool _stopped;
    private bool _loaded;

    /// <summary>The processes that run.</summary>
    public IReadOnlyList<ComputeServerInfo> List() => [.. _servers.OrderBy(s => s.Key).Select(s => s.Value.Process.Describe(operations.Value.Node ?? Environment.MachineName))];

    /// <summary>Where a worker's objects are.</summary>
    public string FolderOf(long serial) => Path.Combine(lease.Folder, serial.ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>The process of a worker's objects; started when it does not run.</summary>
    /// <exception cref="ProblemException">They may not run here now.</exception>
    public ObjectServer Get(long serial)
    {
        if (!lease.IsHeld) throw Away(lease.Reason);
        if (_servers.TryGetValue(serial, out var known)) return known;
        if (table.Current.Workers.GetValueOrDefault(serial) is not { } worker) throw Away("The worker is gone.");
        if (worker.Tier is WorkerTier.Off) throw Away($"The worker '{worker.Name}' is switched off.");
        lock (_starting)
        {
            if (_servers.TryGetValue(serial, out known)) return known;
            ObjectDisposedException.ThrowIf(_stopped, this);
            return _servers[serial] = Start(worker);
        }
    }

    /// <summary>Bytes that one worker's objects may have before they can store no more.</summary>
    public long MostBytes => (long)limits.WorkerMiB << 20;

    /// <summary>Why a worker's objects can store no more; null when they can. Measured every few seconds.</summary>
    public string? Full(long serial) => _bytes.GetValueOrDefault(serial) is var bytes && bytes >= MostBytes
        ? $"The worker's durable objects have {bytes >> 20} MiB, {limits.WorkerMiB} are allowed: no object can be made, and none can store more. Delete some, or ask an administrator for more." : null;

    /// <summary>Notes that a worker's objects have an alarm.</summary>
    public async Task WakeAsync(long serial, CancellationToken cancellation)
    {
        var now = parts.Time.GetUtcNow();
        if (_wakes.TryGetValue(serial, out var known) && known <= now) return;
        await store.WakeAsync(serial, now, cancellation);
        _wakes[serial] = now;
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        lock (_starting) _stopped = true;
        await StopAllAsync();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        EveryAsync(Turn, TurnAsync, stoppingToken),
        // Turns ask the database, which may hang for longer than the right to run lasts; this never does.
        EveryAsync(Glance, _ => lease.IsHeld ? Task.CompletedTask : YieldAsync(), stoppingToken));

    private async Task EveryAsync(TimeSpan pause, Func<CancellationToken, Task> work, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try { await work(stopping); }
            catch (Exception e) when (!stopping.IsCancellationRequested) { Log.TurnFailed(logger, e); }
            await Task.Delay(pause, parts.Time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Another process may run them from now on.
    private Task YieldAsync()
    {
        _loaded = false;
        return StopAllAsync();
    }

    private async Task TurnAsync(CancellationToken cancellation)
    {
        await lease.TriedAsync(cancellation);
        if (!lease.IsHeld || !table.IsLoaded) return;
        if (!_loaded)
        {
            foreach (var (serial, at) in await store.WakesAsync(lease.Id, cancellation)) _wakes[serial] = at;
            _loaded = true;
        }
        await RemoveDeletedAsync(cancellation);
        foreach (var (key, serial, here) in await store.DeletedAsync(lease.Id, cancellation))
            if (!here || await CalmAsync(() => EmptyAsync(key, serial, cancellation))) await store.ForgetAsync(key, cancellation);
        foreach (var (serial, at) in _wakes)
            if (at <= parts.Time.GetUtcNow() + Turn && !_servers.ContainsKey(serial) && table.Current.Workers.TryGetValue(serial, out var worker) && worker is { Tier: not WorkerTier.Off, Versions.Count: > 0 }) Get(serial);
        foreach (var (serial, server) in _servers)
        {
            _bytes[serial] = ObjectFiles.Bytes(FolderOf(serial));
            if (table.Current.Workers.GetValueOrDefault(serial) is not { Tier: not WorkerTier.Off }) await StopAsync(serial, server);
            else if (server.Idle > TimeSpan.FromMinutes(parts.Options.CordonIdleMinutes) && await CalmAsync(() => IsIdleAsync(server, cancellation))) await CalmAsync(() => RestAsync(serial, server, cancellation));
        }
    }

    private ObjectServer Start(DeployedWorker worker)
    {
        var (serial, folder) = (worker.Serial, FolderOf(worker.Serial));
        Directory.CreateDirectory(folder);
        var own = worker.Versions.Count > 0 ? worker.Versions[0].Limits : WorkerLimits.Usual;
        return new ObjectServer(server => new ServerProcess(parts, new ServerSetup(
            $"o{serial}", WorkerTier.Cordon, serial, Math.Max(16, own.MemoryMiB), (long)Math.Max(parts.Options.CordonMiB, own.MemoryMiB + own.BuffersMiB + 160) << 20, own.CpuPercent + OwnPercent,
            parts.Options.FirstUser + FirstUser + (int)(serial % Users), (key, cancellation) => CodeAsync(serial, key, server, cancellation), new ObjectFolder(folder, (long)limits.ObjectMiB << 20)),
            end => end.Blame is null ? Task.CompletedTask : blamed(end), () => Revive(serial)), parts.Time);
    }

    private async Task<CodePackage> CodeAsync(long serial, WorkerKey key, ObjectServer server, CancellationToken cancellation)
    {
        // Objects of a worker that is among others may call them as it may; one in a cordon stays alone.
        var among = table.Current.Workers.GetValueOrDefault(serial)?.Tier is WorkerTier.Shared && table.Current.Workers.GetValueOrDefault(key.Serial)?.Tier is WorkerTier.Shared;
        if (key.Serial != serial && !among) throw new ProblemException(Problem.NotFound("version in this compute server", key));
        var package = await parts.Packages.LoadAsync(key, cancellation);
        server.Loaded(key);
        return package;
    }

    // Alarms that were due while the process did not run are looked for after each start.
    private void Revive(long serial) => _ = Task.Run(async () =>
    {
        try
        {
            if (_servers.TryGetValue(serial, out var server) && server.Process is { IsUp: true, Admin: { } admin }) await admin.NextAlarmAsync(CancellationToken.None);
        }
        catch (HttpRequestException e) { Log.NotRevived(logger, serial, e); } // it has ended again; the next start asks again
    });

    private async Task<bool> IsIdleAsync(ObjectServer server, CancellationToken cancellation)
    {
        if (server.Process.Admin is not { } admin) return false;
        var recent = parts.Time.GetUtcNow().AddMinutes(-parts.Options.CordonIdleMinutes).ToUnixTimeMilliseconds();
        return (await admin.ListAsync(cancellation)).All(i => i.Live == 0 && i.Used < recent);
    }

    // Ends a process that nobody uses, unless it is to wake an object soon.
    private async Task<bool> RestAsync(long serial, ObjectServer server, CancellationToken cancellation)
    {
        if (server.Process.Admin is not { } admin) return false;
        var next = await admin.NextAlarmAsync(cancellation);
        if (next < parts.Time.GetUtcNow() + Soon) return false;
        await store.WakeAsync(serial, next, cancellation);
        if (next is { } at) _wakes[serial] = at;
        else _wakes.TryRemove(serial, out _);
        await StopAsync(serial, server);
        return true;
    }

    // One worker's process that is away, or may not run, keeps nobody else from his turn; it is asked again at the next.
    private static async Task<bool> CalmAsync(Func<Task<bool>> ask)
    {
        try { return await ask(); }
        catch (Exception e) when (e is ProblemException or HttpRequestException) { return false; }
    }

    private async Task RemoveDeletedAsync(CancellationToken cancellation)
    {
        ObjectFiles.DeleteOld(lease.Folder, parts.Time.GetUtcNow());
        var there = Directory.EnumerateDirectories(lease.Folder).Select(f => long.TryParse(Path.GetFileName(f), out var serial) ? serial : 0).Where(s => s > 0 && !table.Current.Workers.ContainsKey(s)).ToList();
        if (there.Count == 0) return;
        // The table may be behind; the database is not.
        var living = await store.LivingAsync(there, cancellation);
        foreach (var serial in there.Where(s => !living.Contains(s)))
        {
            if (_servers.TryGetValue(serial, out var server)) await StopAsync(serial, server);
            ObjectFiles.PutAside(FolderOf(serial), parts.Time.GetUtcNow());
            _wakes.TryRemove(serial, out _);
            Log.Removed(logger, serial);
        }
    }

    // Removes the objects of a class that a migration deleted; true when none is left.
    private async Task<bool> EmptyAsync(string key, long serial, CancellationToken cancellation)
    {
        if (!Directory.Exists(FolderOf(serial))) return true;
        var server = Get(serial);
        await server.Process.ReadyAsync(cancellation);
        if (server.Process.Admin is not { } admin) return false;
        while (await admin.ObjectsAsync(key, "", 100, cancellation) is { Count: > 0 } some)
            foreach (var one in some) await admin.RemoveObjectAsync(key, one.Id, cancellation);
        return true;
    }

    private async Task StopAsync(long serial, ObjectServer server)
    {
        if (_servers.TryRemove(new KeyValuePair<long, ObjectServer>(serial, server))) await server.DisposeAsync();
    }

    // At once: each may take a second, and all must have ended before another process may begin.
    private Task StopAllAsync() => Task.WhenAll(_servers.Select(s => StopAsync(s.Key, s.Value)));

    private static ProblemException Away(string why) => new(Problem.Unavailable("The durable objects do not run", why));

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "Looking after the processes of durable objects failed; it is tried again.")]
        public static partial void TurnFailed(ILogger logger, Exception error);

        [LoggerMessage(LogLevel.Warning, "Alarms of the durable objects of the worker {Serial} could not be looked for.")]
        public static partial void NotRevived(ILogger logger, long serial, Exception error);

        [LoggerMessage(LogLevel.Information, "The database does not know the worker {Serial}. Its durable objects are put aside, and deleted in a week.")]
        public static partial void Removed(ILogger logger, long serial);
    }
}
