using System.Collections.Concurrent;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Calls between workers of one process that are under way. Without the guard nothing else tells that the code which runs may be another's than the request's.</summary>
internal sealed class ServiceCalls
{
    private const int Most = 4096;

    private readonly ConcurrentDictionary<long, (WorkerKey Caller, WorkerKey Callee)> _open = new();
    private long _last;

    /// <summary>Notes a call; 0 when there are too many to note.</summary>
    public long Begin(WorkerKey caller, WorkerKey callee)
    {
        if (_open.Count >= Most) return 0;
        var call = Interlocked.Increment(ref _last);
        _open[call] = (caller, callee);
        return call;
    }

    /// <summary>Its caller has the answer.</summary>
    public void End(WorkerKey caller, long call)
    {
        if (_open.TryGetValue(call, out var noted) && noted.Caller == caller) _open.TryRemove(call, out _);
    }

    /// <summary>Who else may have run for a request of this version: those it calls, and those they call.</summary>
    public IReadOnlyList<WorkerKey> CalledBy(WorkerKey key)
    {
        var (found, calls) = (new HashSet<WorkerKey> { key }, _open.Values);
        while (calls.Any(call => found.Contains(call.Caller) && found.Add(call.Callee))) { }
        return [.. found.Where(other => other.Serial != key.Serial)];
    }
}
