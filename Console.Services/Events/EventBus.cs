namespace Quarterdeck.Events;

/// <summary>Carries the keys of changed items between nodes: PostgreSQL's NOTIFY; nothing to do on SQLite, which has one node.</summary>
public sealed class EventBus
{
    /// <summary>Whether changes of other nodes arrive; pages show it when they don't.</summary>
    public LiveState State => throw new NotImplementedException();

    /// <summary>Raised after <see cref="State"/> changed, on any thread.</summary>
    public event Action<LiveState>? StateChanged { add { } remove { } }
}
