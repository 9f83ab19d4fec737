using System.Diagnostics;

namespace Quarterdeck.Workers.Runtime;

/// <summary>The requests that a compute server has now: fixed slots, claimed without a lock.</summary>
internal sealed class InFlight
{
    private const int Size = 4096;

    private readonly Entry[] _entries = new Entry[Size];
    private int _next;
    private int _count;

    /// <summary>Requests under way.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Notes a request. When all slots are taken (slow clients, web sockets) it goes unnoted: the watchdog then knows fewer suspects, nothing else.</summary>
    public RequestTicket Begin(WorkerKey key)
    {
        Interlocked.Increment(ref _count);
        for (var tries = 0; tries < 64; tries++)
        {
            var slot = Interlocked.Increment(ref _next) & (Size - 1);
            ref var entry = ref _entries[slot];
            if (Interlocked.CompareExchange(ref entry.Serial, -1, 0) != 0) continue;
            entry.Version = key.Version;
            entry.Began = Stopwatch.GetTimestamp();
            Volatile.Write(ref entry.Serial, key.Serial);
            return new RequestTicket(this, slot);
        }
        return new RequestTicket(this, -1);
    }

    public void End(int slot)
    {
        Interlocked.Decrement(ref _count);
        if (slot >= 0) Volatile.Write(ref _entries[slot].Serial, 0);
    }

    /// <summary>What is under way, oldest first; <c>Began</c> as <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public IReadOnlyList<(WorkerKey Key, long Began)> Snapshot()
    {
        var found = new List<(WorkerKey Key, long Began)>();
        for (var i = 0; i < Size; i++)
        {
            var serial = Volatile.Read(ref _entries[i].Serial);
            if (serial > 0) found.Add((new WorkerKey(serial, _entries[i].Version), _entries[i].Began));
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

    private struct Entry
    {
        public long Serial; // 0 free, -1 being written
        public int Version;
        public long Began;
    }
}
