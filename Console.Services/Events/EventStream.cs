namespace Quarterdeck.Events;

/// <summary>One topic's live changes: a snapshot first, then what changed. A room owns one for each topic, as a singleton, and publishes after commit.</summary>
/// <param name="topic">The topic's name, such as <c>vms</c>; the same on every node.</param>
/// <param name="key">An item's key: its id as text.</param>
/// <param name="load">Loads the items with these keys, for changes made on other nodes; keys that it does not return count as removed.</param>
/// <param name="bus">Carries keys between nodes.</param>
public sealed class EventStream<T>(string topic, Func<T, string> key, Func<IReadOnlyList<string>, CancellationToken, Task<IReadOnlyList<T>>> load, EventBus bus)
{
    /// <summary>The topic's name.</summary>
    public string Topic => topic;

    /// <summary>Whether changes of other nodes arrive.</summary>
    public EventBus Bus => bus;

    /// <summary>An item's key.</summary>
    public string KeyOf(T item) => key(item);

    /// <summary>Hands new or changed items to every subscriber; never waits for one. Call after commit.</summary>
    public void Publish(params IReadOnlyList<T> items) => throw new NotImplementedException(load.ToString());

    /// <summary>Tells every subscriber that items are gone. Call after commit.</summary>
    public void Remove(params IReadOnlyList<string> keys) => throw new NotImplementedException();

    /// <summary>A snapshot, then changes, for ever. After an overflow or a lost connection between nodes a new snapshot follows.</summary>
    /// <param name="snapshot">Loads everything that the subscriber shows; called once at the start and again after a gap. What it throws ends the subscription.</param>
    /// <param name="cancellation">Ends the subscription.</param>
    /// <param name="pace">The least time between two batches; what changes meanwhile is coalesced by key.</param>
    public IAsyncEnumerable<LiveBatch<T>> SubscribeAsync(Func<CancellationToken, Task<IReadOnlyList<T>>> snapshot, CancellationToken cancellation, TimeSpan pace = default) => throw new NotImplementedException();
}
