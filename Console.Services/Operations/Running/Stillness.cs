namespace Quarterdeck.Operations.Running;

/// <summary>How long the beats of other nodes have stood still, as far as this node could see.</summary>
/// <remarks>
/// A long gap between two looks (the database was away, this process was paused or starved) counts as one short stretch: the others could not
/// beat in it either, or it was not seen. It does not start the count anew, else a node that is always late would never find anybody dead.
/// </remarks>
internal sealed class Stillness
{
    private Dictionary<Guid, (long Beat, TimeSpan Still)> _seen = [];
    private long? _last;

    /// <summary>Takes note of the beats now, and tells for each node how long its beat has been the same.</summary>
    /// <param name="beats">Nodes and their beats.</param>
    /// <param name="now">A timestamp of <paramref name="time"/>.</param>
    /// <param name="most">The most that one stretch between two looks may count.</param>
    /// <param name="time">The clock.</param>
    public IReadOnlyDictionary<Guid, TimeSpan> Look(IReadOnlyList<(Guid Node, long Beat)> beats, long now, TimeSpan most, TimeProvider time)
    {
        var stretch = _last is { } last ? time.GetElapsedTime(last, now) : TimeSpan.Zero;
        if (stretch > most) stretch = most;
        _last = now;
        _seen = beats.ToDictionary(b => b.Node, b => (b.Beat, _seen.TryGetValue(b.Node, out var seen) && seen.Beat == b.Beat ? seen.Still + stretch : TimeSpan.Zero));
        return _seen.ToDictionary(s => s.Key, s => s.Value.Still);
    }
}
