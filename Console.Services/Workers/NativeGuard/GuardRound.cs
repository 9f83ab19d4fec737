using System.Globalization;

namespace Quarterdeck.Workers.NativeGuard;

/// <summary>What the patrol knows of one process: how far each isolate's counters were at the last look.</summary>
internal sealed class GuardRound(GuardView view, WorkerFigures figures, Action<Strike> strike, Action<string> evict)
{
    // An isolate that stays is asked again after so many looks: every other call may be ended by the guard, which keeps it from filling more.
    private const int LooksBetweenEvictions = 5;

    private readonly Dictionary<(int Slot, uint Generation), Seen> _seen = [];
    private readonly Lock _looking = new();
    private long _look;
    private bool _ended;

    /// <summary>Compares with the last look.</summary>
    public void Look()
    {
        lock (_looking)
        {
            if (!_ended) LookOnce();
        }
    }

    /// <summary>A last look; then none: the file may go.</summary>
    public void End()
    {
        lock (_looking)
        {
            if (!_ended) LookOnce();
            _ended = true;
        }
    }

    private void LookOnce()
    {
        _look++;
        var memory = new Dictionary<WorkerKey, long>();
        foreach (var now in view.Read(gone: true))
        {
            // The process wrote it, and other people's code runs in the process.
            if (!WorkerKey.TryParse(now.WorkerKey, out var key)) continue;
            var seen = _seen.GetValueOrDefault((now.Slot, now.Generation)) ?? (_seen[(now.Slot, now.Generation)] = new Seen());
            seen.Look = _look;
            if (now.Turns > seen.Last.Turns)
                figures.RecordCpu(key.Serial, key.Version, (long)(now.Busy - seen.Last.Busy).TotalMicroseconds, (int)Math.Min(now.Turns - seen.Last.Turns, int.MaxValue));
            Count(key, StrikeKind.Cpu, WorkerLimitKind.Cpu, now.CpuEnds - seen.Last.CpuEnds, "a turn took more CPU than it may, and was ended");
            Count(key, StrikeKind.Startup, WorkerLimitKind.Startup, now.StartupEnds - seen.Last.StartupEnds, "its start took more CPU than it may, and was ended");
            Count(key, StrikeKind.Heap, WorkerLimitKind.Heap, now.HeapEnds - seen.Last.HeapEnds, "its heap was full");
            Count(key, StrikeKind.Buffers, WorkerLimitKind.Buffers, now.BufferEnds - seen.Last.BufferEnds, "its memory outside the heap was full");
            // Every turn of a worker that has used up its share is ended: ten times a second is often enough to tell.
            Count(key, StrikeKind.Rate, WorkerLimitKind.CpuRate, Math.Min(1, now.RateEnds - seen.Last.RateEnds), "it used more than its share of a core");
            if (now is { Condemned: true, Alive: true } && seen.Evict <= _look)
            {
                seen.Evict = _look + LooksBetweenEvictions;
                evict(now.Key);
            }
            if (now.Alive) memory[key] = memory.GetValueOrDefault(key) + now.Bytes;
            seen.Last = now;
        }
        foreach (var (key, bytes) in memory) figures.RecordMemory(key.Serial, key.Version, bytes);
        if (_look % 100 == 0)
            foreach (var old in _seen.Where(one => one.Value.Look != _look).Select(one => one.Key).ToList()) _seen.Remove(old);
    }

    private void Count(WorkerKey key, StrikeKind kind, WorkerLimitKind limit, long times, string what)
    {
        if (times <= 0) return;
        for (var i = 0; i < Math.Min(times, 100); i++) figures.RecordLimit(key.Serial, key.Version, limit);
        strike(new Strike(key, kind, (int)Math.Min(times, 100), string.Create(CultureInfo.InvariantCulture, $"Version {key.Version}: {what}{(times > 1 ? $" ({times} times)" : "")}.")));
    }

    private sealed class Seen
    {
        public GuardReading Last { get; set; }
        public long Look { get; set; }
        public long Evict { get; set; }
    }
}
