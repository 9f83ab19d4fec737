using System.Collections.Concurrent;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers.Objects;

/// <summary>Finds objects: by the class's key the worker, by the worker the store, by the store the node. What never changes is kept; the rest is asked for again after a while.</summary>
internal sealed class ObjectRouter(ObjectStore store, StoreLease lease, ObjectFleet fleet, WorkerTable table, CodePackages packages, TimeProvider time) : IObjectRouter
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, (ClassRow Row, long Read)> _classes = new();
    private readonly ConcurrentDictionary<long, (StoreRow Row, long Read)> _homes = new();

    public async Task<Result<long>> OwnerAsync(string key, WorkerKey caller, CancellationToken cancellation)
    {
        if (packages.Find(caller)?.Namespaces.Contains(key) != true) return Problem.NotFound("namespace of durable objects", key);
        if (await ClassAsync(key, cancellation) is not { } row) return Problem.Unavailable("The durable objects are gone", "Their class was deleted by a migration, or their worker was. Deploy the worker again to begin with new ones.");
        if (table.Current.Workers.GetValueOrDefault(row.Serial) is not { Versions.Count: > 0 } worker) return Problem.Unavailable("The worker is not deployed", $"No version of the worker runs that has the durable objects of the class '{row.Name}'.");
        if (worker.Tier is WorkerTier.Off) return Problem.Unavailable("The worker is off", $"The worker '{worker.Name}' is switched off, and its durable objects with it.");
        if (await HomeAsync(row.Serial, cancellation) is not { } home) return Problem.Unavailable("The worker is gone", "The worker that has these durable objects was deleted.");
        if (home.Id != lease.Id) return Unreachable(worker, home) is { } why ? why : row.Serial;
        return lease.IsHeld ? row.Serial : Problem.Unavailable("The durable objects do not run", lease.Reason);
    }

    public async Task<Result<ObjectVersions>> VersionsAsync(string key, long serial, CancellationToken cancellation)
    {
        var now = table.Current;
        if (await ClassAsync(key, cancellation) is not { } row || row.Serial != serial) return Problem.NotFound("namespace of durable objects", key);
        if (now.Workers.GetValueOrDefault(serial) is not { Versions.Count: > 0, Tier: not WorkerTier.Off } worker) return Problem.Unavailable("The worker is not deployed", "No version of the worker runs.");
        return new ObjectVersions(row.Name, [.. worker.Versions.Select(v => (v.KeyText, v.Percent))], now.Sequence);
    }

    public async Task<Stream> ConnectAsync(long serial, bool streams, CancellationToken cancellation)
    {
        if (await HomeAsync(serial, cancellation) is not { } home) throw new ProblemException(Problem.NotFound("worker", serial));
        if (home.Id == lease.Id) return await fleet.Get(serial).ConnectAsync(streams, cancellation);
        throw new ProblemException(Unreachable(table.Current.Workers.GetValueOrDefault(serial), home)!);
    }

    public Task WakeAsync(long serial, CancellationToken cancellation) => fleet.WakeAsync(serial, cancellation);

    private static Problem? Unreachable(DeployedWorker? worker, StoreRow home) =>
        Problem.Unavailable("The durable objects are on another node", $"The durable objects of the worker '{worker?.Name}' live on the node '{home.Node}', and are called there only.");

    private async Task<ClassRow?> ClassAsync(string key, CancellationToken cancellation)
    {
        if (_classes.TryGetValue(key, out var known) && time.GetElapsedTime(known.Read) < Fresh) return known.Row;
        try
        {
            if (await store.ClassAsync(key, cancellation) is not { } row)
            {
                _classes.TryRemove(key, out _);
                return null;
            }
            _classes[key] = (row, time.GetTimestamp());
            return row;
        }
        catch (DatabaseUnavailableException) when (known.Row is not null) { return known.Row; } // objects that run go on without the database
    }

    private async Task<StoreRow?> HomeAsync(long serial, CancellationToken cancellation)
    {
        if (_homes.TryGetValue(serial, out var known) && time.GetElapsedTime(known.Read) < Fresh) return known.Row;
        try
        {
            if (await store.HomeAsync(serial, lease.IsHeld ? lease.Id : null, cancellation) is not { } row) return null;
            _homes[serial] = (row, time.GetTimestamp());
            return row;
        }
        catch (DatabaseUnavailableException) when (known.Row is not null) { return known.Row; }
    }
}
