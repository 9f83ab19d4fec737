namespace Quarterdeck.Events;

/// <summary>What a <see cref="LiveBatch{T}"/> tells.</summary>
public enum LiveKind
{
    /// <summary>Everything there is: forget what was known before.</summary>
    Snapshot,
    /// <summary>Items that are new or have changed.</summary>
    Change,
    /// <summary>Keys that are gone.</summary>
    Removed,
}

/// <summary>One step of a subscription.</summary>
/// <param name="Sequence">Never falls within a subscription.</param>
/// <param name="Kind">What the batch tells.</param>
/// <param name="Items">The items of a snapshot or change; each key once.</param>
/// <param name="Keys">The removed keys; empty otherwise.</param>
public sealed record LiveBatch<T>(long Sequence, LiveKind Kind, IReadOnlyList<T> Items, IReadOnlyList<string> Keys);

/// <summary>Whether changes made on other nodes arrive.</summary>
public enum LiveHealth
{
    /// <summary>Everything arrives.</summary>
    Connected,
    /// <summary>Changes of other nodes don't arrive at present; what is shown may be old.</summary>
    Degraded,
}

/// <summary>The state of the way between nodes.</summary>
/// <param name="Health">Whether it works.</param>
/// <param name="Since">Since when.</param>
/// <param name="Reason">Why it doesn't, in words; null when it does.</param>
public sealed record LiveState(LiveHealth Health, DateTimeOffset Since, string? Reason);
