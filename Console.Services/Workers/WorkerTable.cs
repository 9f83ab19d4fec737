namespace Quarterdeck.Workers;

/// <summary>What the data plane routes by, in memory: loaded at the start, then following every change on any node. Requests read it and nothing else.</summary>
public sealed class WorkerTable
{
    private volatile WorkerTableSnapshot _current = WorkerTableSnapshot.Empty;

    /// <summary>The table of now; swapped whole, so one request reads one state.</summary>
    public WorkerTableSnapshot Current => _current;

    /// <summary>Whether it was loaded once; before that every zone is unknown for no fault of the visitor.</summary>
    public bool IsLoaded => _current.Sequence > 0;

    /// <summary>Raised after <see cref="Current"/> changed, on a background thread, one at a time. What it throws is logged.</summary>
    public event Action<WorkerTableSnapshot>? Changed;

    /// <summary>Completes once this node routes to a version of a worker, or the worker has no such version deployed any more.</summary>
    /// <param name="serial">The worker.</param>
    /// <param name="version">The version.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task WaitForAsync(long serial, int version, CancellationToken cancellation) =>
        WaitForAsync(table => table.Workers.TryGetValue(serial, out var worker) && worker.Versions.Any(v => v.Key.Version == version), cancellation);

    /// <summary>Completes once the table fulfils a condition.</summary>
    public async Task WaitForAsync(Func<WorkerTableSnapshot, bool> condition, CancellationToken cancellation)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look(WorkerTableSnapshot table)
        {
            if (condition(table)) reached.TrySetResult();
        }
        Changed += Look;
        try
        {
            Look(_current);
            await reached.Task.WaitAsync(cancellation);
        }
        finally { Changed -= Look; }
    }

    internal void Swap(WorkerTableSnapshot next, Action<Exception> failed)
    {
        _current = next;
        foreach (var follower in Changed?.GetInvocationList().Cast<Action<WorkerTableSnapshot>>() ?? [])
        {
            // A follower that fails must not keep the others from the change.
            try { follower(next); }
            catch (Exception e) { failed(e); }
        }
    }
}

/// <summary>One state of the <see cref="WorkerTable"/>; never changes.</summary>
/// <param name="Sequence">Grows with each state; 0 before the first load.</param>
/// <param name="Workers">By serial.</param>
/// <param name="Zones">By host name, any case; wildcards under <c>*.example.com</c>.</param>
public sealed record WorkerTableSnapshot(long Sequence, IReadOnlyDictionary<long, DeployedWorker> Workers, IReadOnlyDictionary<string, TableZone> Zones)
{
    /// <summary>Before the first load.</summary>
    public static WorkerTableSnapshot Empty { get; } = new(0, new Dictionary<long, DeployedWorker>(), new Dictionary<string, TableZone>());

    /// <summary>The zone of a host name without port: the name itself, else the nearest wildcard above it; null when there is none.</summary>
    public TableZone? ZoneOf(string host)
    {
        if (Zones.TryGetValue(host, out var zone)) return zone;
        for (var dot = host.IndexOf('.'); dot >= 0; dot = host.IndexOf('.', dot + 1))
            if (Zones.TryGetValue("*" + host[dot..], out zone)) return zone;
        return null;
    }

    /// <summary>The worker that answers a path of a zone; null when no route matches.</summary>
    public DeployedWorker? Match(TableZone zone, ReadOnlySpan<char> path)
    {
        var routes = zone.Routes;
        for (var i = 0; i < routes.Count; i++)
            if (routes[i].Matches(path)) return Workers.GetValueOrDefault(routes[i].Serial);
        return null;
    }

    /// <summary>A worker by its name; walks all, so not for the request path.</summary>
    public DeployedWorker? ByName(string name) => Workers.Values.FirstOrDefault(w => w.Name == name);
}
