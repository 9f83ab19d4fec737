using System.Collections.Concurrent;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Secrets;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers.Objects;

/// <summary>Finds objects: by the class's key the worker, by the worker the store, by the store the node. What never changes is kept; the rest is asked for again after a while.</summary>
internal sealed class ObjectRouter(ObjectStore store, StoreLease lease, ObjectFleet fleet, WorkerTable table, CodePackages packages, SecretBox box, TimeProvider time) : IObjectRouter
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5), Pause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, (ClassRow Row, long Read)> _classes = new();
    private readonly ConcurrentDictionary<long, (StoreRow Row, long Read)> _homes = new();
    private readonly ConcurrentDictionary<long, (Problem Why, long At)> _failures = new();

    public async Task<Result<long>> OwnerAsync(string key, WorkerKey caller, CancellationToken cancellation)
    {
        if (packages.Find(caller)?.Namespaces.Contains(key) != true) return Problem.NotFound("namespace of durable objects", key);
        if (_classes.TryGetValue(key, out var seen) && Stopped(seen.Row.Serial) is { } stopped) return stopped;
        if (await ClassAsync(key, cancellation) is not { } row) return Problem.Unavailable("The durable objects are gone", "Their class was deleted by a migration, or their worker was. Deploy the worker again to begin with new ones.");
        if (table.Current.Workers.GetValueOrDefault(row.Serial) is not { Versions.Count: > 0 } worker) return Problem.Unavailable("The worker is not deployed", $"No version of the worker runs that has the durable objects of the class '{row.Name}'.");
        if (worker.Tier is WorkerTier.Off) return Problem.Unavailable("The worker is off", $"The worker '{worker.Name}' is switched off, and its durable objects with it.");
        if (await HomeAsync(row.Serial, cancellation) is not { } home) return Problem.Unavailable("The worker is gone", "The worker that has these durable objects was deleted.");
        var why = home.Id == lease.Id ? Stopped(row.Serial) : Unreachable(home) ?? Failure(row.Serial);
        return why is null ? row.Serial : why;
    }

    public async Task<Result<ObjectVersions>> VersionsAsync(string key, long serial, CancellationToken cancellation)
    {
        var now = table.Current;
        if (await ClassAsync(key, cancellation) is not { } row || row.Serial != serial) return Problem.NotFound("namespace of durable objects", key);
        if (now.Workers.GetValueOrDefault(serial) is not { Versions.Count: > 0, Tier: not WorkerTier.Off } worker) return Problem.Unavailable("The worker is not deployed", "No version of the worker runs.");
        return new ObjectVersions(row.Name, [.. worker.Versions.Select(v => (v.KeyText, v.Percent))], now.Sequence);
    }

    public async Task<Stream> ConnectAsync(long serial, ObjectLink link, CancellationToken cancellation)
    {
        if (Stopped(serial) is { } stopped) throw new ProblemException(stopped);
        if (await HomeAsync(serial, cancellation) is not { } home) throw new ProblemException(Problem.NotFound("worker", serial));
        if (home.Id == lease.Id) return await fleet.Get(serial).ConnectAsync(link, cancellation);
        if (Unreachable(home) is { } why) throw new ProblemException(why);
        try { return await PeerLine.ConnectAsync(home, box.Unprotect(PeerDoor.Purpose, home.Token!), serial, link, cancellation); }
        catch (ProblemException e)
        {
            // The call that found it out only hears that its connection broke; the next ones are told why.
            _failures[serial] = (e.Problem, time.GetTimestamp());
            _homes.TryRemove(serial, out _);
            throw;
        }
    }

    public string? Full(long serial) => fleet.Full(serial);

    public Task WakeAsync(long serial, CancellationToken cancellation) => fleet.WakeAsync(serial, cancellation);

    /// <summary>Where a worker's objects are; null when they are nowhere yet, which stays so.</summary>
    public async Task<(StoreRow Row, bool Here)?> FindAsync(long serial, CancellationToken cancellation) =>
        await store.HomeAsync(serial, null, cancellation) is { } home ? (home, home.Id == lease.Id) : null;

    // What is known to be here and may not run is refused without asking a database that may hang.
    private Problem? Stopped(long serial) =>
        !lease.IsHeld && _homes.TryGetValue(serial, out var home) && home.Row.Id == lease.Id ? Problem.Unavailable("The durable objects do not run", lease.Reason) : null;

    private Problem? Failure(long serial) => _failures.TryGetValue(serial, out var last) && time.GetElapsedTime(last.At) < Pause ? last.Why : null;

    private Problem? Unreachable(StoreRow home) => home switch
    {
        _ when home.HeldUntil < time.GetUtcNow() => Problem.Unavailable("The node of the durable objects is down", $"The durable objects live on the node '{home.Node}', which has not been heard of since {home.HeldUntil:u}. They are there again when it is."),
        { Address: null } => Problem.Unavailable("The durable objects are on another node", $"The durable objects live on the node '{home.Node}', which takes no calls of others. Set Quarterdeck__Workers__Objects__Listen there, such as 0.0.0.0:8790."),
        _ => null,
    };

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
