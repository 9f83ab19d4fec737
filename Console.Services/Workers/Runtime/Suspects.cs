using System.Collections.Concurrent;
using System.Diagnostics;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Finds out without the guard who ends a compute server: one may be unlucky once, but not always be there.</summary>
/// <remarks>Of the versions with requests under way, the only one is the culprit. Of several it is the one that was there most often, twice at least, without an answer in between: whoever answers is not why, and is counted anew.</remarks>
internal sealed class Suspects
{
    // There so often without a single answer, it is named though another was there as often: the next end names that one.
    private const int Enough = 4;

    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<WorkerKey, int> _times = new();
    private volatile bool _any; // to ask an empty dictionary takes all of its locks, and each answer asks
    private long _last;

    /// <summary>A version answered a request.</summary>
    public void Answered(WorkerKey key)
    {
        if (_any) _times.TryRemove(key, out _);
    }

    /// <summary>The culprit of an end, or null while it is open.</summary>
    /// <param name="present">What was under way, oldest first.</param>
    /// <param name="alone">Whether all of it belongs to one worker.</param>
    public WorkerKey? Name(IReadOnlyList<(WorkerKey Key, long Began)> present, bool alone)
    {
        if (present.Count == 0) return null;
        if (alone) return present[0].Key;
        var now = Stopwatch.GetTimestamp();
        if (Stopwatch.GetElapsedTime(_last, now) > Memory) _times.Clear();
        (_last, _any) = (now, true);
        var counted = present.Select(p => p.Key).Distinct().Select(key => (Key: key, Times: _times.AddOrUpdate(key, 1, (_, times) => times + 1))).OrderByDescending(one => one.Times).ToList();
        var (most, times) = counted[0];
        if (counted.Count > 1 && times < Enough && (times < 2 || times == counted[1].Times)) return null;
        _times.TryRemove(most, out _);
        return most;
    }
}
