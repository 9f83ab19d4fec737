using System.Diagnostics;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Finds out without the guard who ends a compute server: one may be unlucky once, but not always be there.</summary>
/// <remarks>Of the versions with requests under way, the only one is the culprit. Of several, it is the one that was there at each of the last ends, once these leave exactly one.</remarks>
internal sealed class Suspects
{
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    private HashSet<WorkerKey> _common = [];
    private long _last;

    /// <summary>The culprit of an end, or null while it is open.</summary>
    /// <param name="present">What was under way, oldest first.</param>
    /// <param name="alone">Whether all of it belongs to one worker.</param>
    public WorkerKey? Name(IReadOnlyList<(WorkerKey Key, long Began)> present, bool alone)
    {
        if (present.Count == 0) return null;
        if (alone) return present[0].Key;
        var now = Stopwatch.GetTimestamp();
        var keys = present.Select(p => p.Key).ToHashSet();
        if (_common.Count == 0 || Stopwatch.GetElapsedTime(_last, now) > Memory || !_common.Overlaps(keys)) _common = keys;
        else _common.IntersectWith(keys);
        _last = now;
        return _common.Count == 1 ? _common.First() : null;
    }
}
