using System.Runtime.CompilerServices;
using Quarterdeck.Events.Streams;

namespace Quarterdeck.Events;

/// <summary>One topic's live changes: a snapshot first, then what changed. A room owns one for each topic, as a singleton, and publishes after commit.</summary>
/// <remarks>Changes go into one ring that all subscribers read at their own pace, so publishing costs the same for one subscriber or a thousand and waits for none. Who falls behind the ring gets a new snapshot.</remarks>
public sealed class EventStream<T> : IBusTopic
{
    private readonly Func<T, string> _key;
    private readonly ChangeRing<T> _ring;
    private readonly KeyLoader<T> _loader;

    /// <summary>A topic, known to the bus from now on.</summary>
    /// <param name="topic">The topic's name, such as <c>vms</c>; the same on every node.</param>
    /// <param name="key">An item's key: its id as text.</param>
    /// <param name="load">Loads the items with these keys (at most 500), for <see cref="Changed"/> and for changes made on other nodes; keys that it does not return count as removed.</param>
    /// <param name="bus">Carries keys between nodes.</param>
    /// <param name="capacity">How many changes a subscriber may be behind before it gets a new snapshot.</param>
    public EventStream(string topic, Func<T, string> key, Func<IReadOnlyList<string>, CancellationToken, Task<IReadOnlyList<T>>> load, EventBus bus, int capacity = 4096)
    {
        (Topic, Bus, _key) = (topic, bus, key);
        _ring = new ChangeRing<T>(key, capacity);
        _loader = new KeyLoader<T>(key, load, _ring, bus);
        bus.Add(this);
    }

    /// <summary>The topic's name.</summary>
    public string Topic { get; }

    /// <summary>Says whether changes of other nodes arrive.</summary>
    public EventBus Bus { get; }

    /// <summary>An item's key.</summary>
    public string KeyOf(T item) => _key(item);

    /// <summary>Hands new or changed items to every subscriber; never waits for one. Call after commit, and only where one writer at a time changes an item; else call <see cref="Changed"/>.</summary>
    public void Publish(params IReadOnlyList<T> items)
    {
        if (items.Count == 0) return;
        _ring.Append(items);
        if (!Bus.IsShared && !_loader.MayDoubt) return;
        var keys = new string[items.Count];
        for (var i = 0; i < keys.Length; i++) keys[i] = _key(items[i]);
        _loader.PublishedHere(keys);
        if (Bus.IsShared) Bus.Announce(Topic, keys);
    }

    /// <summary>Tells every subscriber that items are gone. Call after commit.</summary>
    public void Remove(params IReadOnlyList<string> keys)
    {
        if (keys.Count == 0) return;
        _ring.AppendRemoved(keys);
        if (_loader.MayDoubt) _loader.PublishedHere(keys);
        if (Bus.IsShared) Bus.Announce(Topic, keys);
    }

    /// <summary>Says that items are new, changed or gone; they are loaded and handed on in the background. Right also when several writers change one item at once, where the order of two <see cref="Publish"/> calls would be chance. Call after commit.</summary>
    public void Changed(params IReadOnlyList<string> keys)
    {
        if (keys.Count == 0) return;
        _loader.Load(keys);
        if (Bus.IsShared) Bus.Announce(Topic, keys);
    }

    /// <summary>Gives every subscriber, here and on other nodes, a new snapshot: for changes too many to name.</summary>
    public void ChangedAll()
    {
        _ring.Reset();
        if (Bus.IsShared) Bus.AnnounceAll(Topic);
    }

    /// <summary>A snapshot, then changes, for ever. After an overflow or a lost connection between nodes a new snapshot follows.</summary>
    /// <param name="snapshot">Loads everything that the subscriber shows; called once at the start and again after a gap. What it throws ends the subscription.</param>
    /// <param name="cancellation">Ends the subscription.</param>
    /// <param name="pace">The least time between two batches; what changes meanwhile is coalesced by key.</param>
    public async IAsyncEnumerable<LiveBatch<T>> SubscribeAsync(
        Func<CancellationToken, Task<IReadOnlyList<T>>> snapshot, [EnumeratorCancellation] CancellationToken cancellation, TimeSpan pace = default)
    {
        using var reader = _ring.Subscribe();
        while (true)
        {
            // The position is taken before the snapshot is read: a change in between is told twice rather than never.
            var start = reader.Restart();
            yield return new LiveBatch<T>(start, LiveKind.Snapshot, await snapshot(cancellation), []);
            while (true)
            {
                if (pace > TimeSpan.Zero) await Task.Delay(pace, Bus.Time, cancellation);
                await reader.WaitAsync(cancellation);
                if (reader.Read() is not { } changes) break;
                if (changes.Changed is { } changed) yield return changed;
                if (changes.Removed is { } removed) yield return removed;
            }
        }
    }

    void IBusTopic.ChangedElsewhere(IReadOnlyList<string> keys) => _loader.Load(keys);

    void IBusTopic.Gap() => _ring.Reset();
}
