using System.Collections.Concurrent;
using System.Collections.Immutable;
using Quarterdeck.Workers.Logs;

namespace Quarterdeck.Workers;

/// <summary>Who watches which worker on this node, and what they are told.</summary>
public sealed class WorkerTails(TimeProvider time) : ITailSink
{
    /// <summary>Watchers that one worker may have on one node.</summary>
    public const int MostWatchers = 50;

    private readonly ConcurrentDictionary<long, ImmutableArray<TailWatch>> _watches = new();
    private readonly ConcurrentDictionary<long, TailBudget> _budgets = new();

    /// <inheritdoc/>
    public bool IsWatched(long serial) => _watches.ContainsKey(serial);

    /// <inheritdoc/>
    public void Publish(long serial, int version, ReadOnlySpan<byte> events)
    {
        if (!_watches.TryGetValue(serial, out var watches)) return;
        var runs = TailReader.Read(serial, version, events, time.GetUtcNow());
        var told = _budgets.GetOrAdd(serial, _ => new TailBudget(time)).Take(runs.Count);
        foreach (var watch in watches)
        {
            for (var i = 0; i < told; i++) watch.Offer(runs[i]);
            watch.Lost(runs.Count - told);
        }
    }

    /// <summary>Starts watching; dispose it to stop. Null when the worker has <see cref="MostWatchers"/> already.</summary>
    internal TailWatch? Watch(long serial, TailFilter filter)
    {
        var watch = new TailWatch(serial, filter, Ended);
        var all = _watches.AddOrUpdate(serial, [watch], (_, others) => others.Length < MostWatchers ? others.Add(watch) : others);
        return all.Contains(watch) ? watch : null;
    }

    private void Ended(TailWatch watch)
    {
        while (_watches.TryGetValue(watch.Serial, out var all))
        {
            var rest = all.Remove(watch);
            if (rest.IsEmpty ? !_watches.TryRemove(new(watch.Serial, all)) : !_watches.TryUpdate(watch.Serial, rest, all)) continue;
            if (rest.IsEmpty) _budgets.TryRemove(watch.Serial, out _);
            return;
        }
    }
}
