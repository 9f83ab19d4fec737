using System.Diagnostics;

namespace Quarterdeck.Workers.Runtime;

/// <summary>The requests that a compute server has now, or had a moment ago: fixed slots, claimed without a lock.</summary>
/// <param name="suspects">Told of answers; null for nobody.</param>
internal sealed class InFlight(Suspects? suspects = null)
{
    private const int Size = 4096;

    // When a process crashes, its requests fail before anybody looks.
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(150);

    private readonly Entry[] _entries = new Entry[Size];
    private int _next;
    private int _count;
    private long _lastBegan = Stopwatch.GetTimestamp();
    private int _answers;

    /// <summary>Requests under way.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Changes with each answer that began: whoever answers is not stuck.</summary>
    public int Answers => Volatile.Read(ref _answers);

    /// <summary>An answer began. Two at once may count as one, which is as good.</summary>
    public void Answered(int slot)
    {
        Volatile.Write(ref _answers, _answers + 1);
        if (slot < 0) return;
        ref var entry = ref _entries[slot];
        Volatile.Write(ref entry.Answered, true);
        suspects?.Answered(new WorkerKey(entry.Serial, entry.Version));
    }

    /// <summary>How long ago the last request began.</summary>
    public TimeSpan Idle => Count > 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(Volatile.Read(ref _lastBegan));

    /// <summary>Notes a request. When all slots are taken (slow clients, web sockets) it goes unnoted: the watchdog then knows fewer suspects, nothing else.</summary>
    public RequestTicket Begin(WorkerKey key)
    {
        Interlocked.Increment(ref _count);
        var now = Stopwatch.GetTimestamp();
        Volatile.Write(ref _lastBegan, now);
        for (var tries = 0; tries < 64; tries++)
        {
            var slot = Interlocked.Increment(ref _next) & (Size - 1);
            ref var entry = ref _entries[slot];
            var found = Volatile.Read(ref entry.Serial);
            if (found > 0 || found == Writing || Interlocked.CompareExchange(ref entry.Serial, Writing, found) != found) continue;
            (entry.Version, entry.Began, entry.Answered) = (key.Version, now, false);
            Volatile.Write(ref entry.Serial, key.Serial);
            return new RequestTicket(this, slot);
        }
        return new RequestTicket(this, -1);
    }

    public void End(int slot)
    {
        Interlocked.Decrement(ref _count);
        if (slot < 0) return;
        ref var entry = ref _entries[slot];
        entry.Ended = Stopwatch.GetTimestamp();
        Volatile.Write(ref entry.Serial, -entry.Serial);
    }

    /// <summary>What is under way, or ended a moment ago without an answer, oldest first; <c>Began</c> as <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public IReadOnlyList<(WorkerKey Key, long Began)> Snapshot()
    {
        var found = new List<(WorkerKey Key, long Began)>();
        for (var i = 0; i < Size; i++)
        {
            ref var entry = ref _entries[i];
            var serial = Volatile.Read(ref entry.Serial);
            if (serial is 0 or Writing || (serial < 0 && (Volatile.Read(ref entry.Answered) || Stopwatch.GetElapsedTime(entry.Ended) > Moment))) continue;
            found.Add((new WorkerKey(Math.Abs(serial), entry.Version), entry.Began));
        }
        found.Sort((a, b) => a.Began.CompareTo(b.Began));
        return found;
    }

    /// <summary>Whether a version has a request now.</summary>
    public bool Has(WorkerKey key)
    {
        if (Count == 0) return false;
        for (var i = 0; i < Size; i++)
            if (Volatile.Read(ref _entries[i].Serial) == key.Serial && _entries[i].Version == key.Version) return true;
        return false;
    }

    private const long Writing = long.MinValue;

    private struct Entry
    {
        public long Serial; // 0 free, below 0 free and who had it
        public int Version;
        public long Began;
        public long Ended;
        public bool Answered; // whoever had an answer, whole, did not end the process
    }
}
