using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using Quarterdeck.Workers.Logs;

namespace Quarterdeck.Workers;

/// <summary>Who watches which worker, and what they are told. Of watchers on other nodes it knows that there are some.</summary>
public sealed class WorkerTails(TimeProvider time) : ITailSink
{
    /// <summary>Watchers that one worker may have on one node.</summary>
    public const int MostWatchers = 50;

    private readonly ConcurrentDictionary<long, ImmutableArray<TailWatch>> _watches = new();
    private readonly ConcurrentDictionary<long, TailBudget> _budgets = new();
    private readonly ConcurrentDictionary<long, TailBudget> _away = new(); // of what other nodes are told
    private readonly ConcurrentDictionary<long, long> _lost = new();
    private volatile FrozenSet<long> _elsewhere = [];


    /// <summary>Workers that other nodes watch.</summary>
    internal FrozenSet<long> WatchedElsewhere
    {
        set
        {
            _elsewhere = value;
            foreach (var serial in _away.Keys)
                if (!value.Contains(serial)) _away.TryRemove(serial, out _);
        }
    }

    /// <summary>Takes serial, version, events and how many runs were left out, for other nodes.</summary>
    internal Action<long, int, string, long>? Elsewhere { private get; set; }

    /// <summary>Workers that are watched here.</summary>
    internal IReadOnlyCollection<long> Here => [.. _watches.Keys];

    /// <summary>Raised after the first watch of a worker began here, or its last one ended.</summary>
    internal event Action? Changed;

    /// <inheritdoc/>
    public bool IsWatched(long serial) => _watches.ContainsKey(serial) || (_elsewhere.Count > 0 && _elsewhere.Contains(serial));

    /// <inheritdoc/>
    public void Publish(long serial, int version, ReadOnlySpan<byte> events)
    {
        if (Elsewhere is { } tell && _elsewhere.Contains(serial) && events.Length <= TailReader.MostBytes)
        {
            // One message counts as one run: it is not read here.
            if (_away.GetOrAdd(serial, _ => new TailBudget(time)).Take(1) == 1)
            {
                _lost.TryRemove(serial, out var lost);
                tell(serial, version, Encoding.UTF8.GetString(events), lost);
            }
            else _lost.AddOrUpdate(serial, 1, (_, lost) => lost + 1);
        }
        Receive(serial, version, events, 0);
    }

    /// <summary>Takes what a version did on any node, for those who watch here.</summary>
    internal void Receive(long serial, int version, ReadOnlySpan<byte> events, long lost)
    {
        if (!_watches.TryGetValue(serial, out var watches)) return;
        var runs = TailReader.Read(serial, version, events, time.GetUtcNow());
        var told = _budgets.GetOrAdd(serial, _ => new TailBudget(time)).Take(runs.Count);
        foreach (var watch in watches)
        {
            for (var i = 0; i < told; i++) watch.Offer(runs[i]);
            watch.Lost(runs.Count - told + (int)lost);
        }
    }

    /// <summary>Starts watching; dispose it to stop. Null when the worker has <see cref="MostWatchers"/> already.</summary>
    internal TailWatch? Watch(long serial, TailFilter filter)
    {
        var watch = new TailWatch(serial, filter, Ended);
        var all = _watches.AddOrUpdate(serial, [watch], (_, others) => others.Length < MostWatchers ? others.Add(watch) : others);
        if (all is [var only] && only == watch) Changed?.Invoke();
        return all.Contains(watch) ? watch : null;
    }

    private void Ended(TailWatch watch)
    {
        while (_watches.TryGetValue(watch.Serial, out var all))
        {
            var rest = all.Remove(watch);
            if (rest.IsEmpty ? !_watches.TryRemove(new(watch.Serial, all)) : !_watches.TryUpdate(watch.Serial, rest, all)) continue;
            if (!rest.IsEmpty) return;
            _budgets.TryRemove(watch.Serial, out _);
            Changed?.Invoke();
            return;
        }
    }
}
