namespace Quarterdeck.Workers.Figures;

/// <summary>Running totals of one version since the node started. Any thread adds; one thread (<see cref="FigureKeeper"/>) takes samples.</summary>
/// <remarks>Counts may wrap: only differences are used.</remarks>
internal sealed class VersionCounters
{
    /// <summary>Samples kept, one each <see cref="Beat"/>, and as many more, one each minute.</summary>
    public const int Samples = 64;

    private static readonly int LimitKinds = Enum.GetValues<WorkerLimitKind>().Length;
    private readonly int[] _wall = new int[Buckets.Count], _cpu = new int[Buckets.Count], _limits = new int[LimitKinds];
    private readonly (int Requests, int Errors)[] _beats = new (int, int)[Samples], _minutes = new (int, int)[Samples];
    private long _wallTotal, _cpuTotal, _memory = -1;
    private int _requests, _errors, _coldStarts, _beat, _minute;

    /// <summary>The time between two samples.</summary>
    public static TimeSpan Beat { get; } = TimeSpan.FromSeconds(5);

    /// <summary>Where the last whole minute and the one before it began; null before.</summary>
    public (FigureTotals? Before, FigureTotals? Last) Minutes { get; private set; }

    /// <summary>Memory last seen; -1 when never.</summary>
    public long MemoryBytes => Volatile.Read(ref _memory);

    public void Request(long microseconds, bool failed)
    {
        Interlocked.Increment(ref _requests);
        if (failed) Interlocked.Increment(ref _errors);
        Interlocked.Increment(ref _wall[Buckets.Of(microseconds)]);
        Interlocked.Add(ref _wallTotal, microseconds);
    }

    public void Cpu(long microseconds, int turns)
    {
        if (turns <= 0) return;
        Interlocked.Add(ref _cpu[Buckets.Of(microseconds / turns)], turns);
        Interlocked.Add(ref _cpuTotal, microseconds);
    }

    public void ColdStart() => Interlocked.Increment(ref _coldStarts);

    public void Memory(long bytes) => Volatile.Write(ref _memory, bytes);

    public void Limit(WorkerLimitKind limit) => Interlocked.Increment(ref _limits[(int)limit]);

    /// <summary>Everything up to now.</summary>
    public FigureTotals Read() => new(
        Volatile.Read(ref _requests), Volatile.Read(ref _errors), Volatile.Read(ref _coldStarts), Interlocked.Read(ref _wallTotal), Interlocked.Read(ref _cpuTotal),
        [.. _wall], [.. _cpu], [.. _limits]);

    /// <summary>Requests and errors of the last <paramref name="length"/>, in whole beats, or whole minutes when it is longer than the beats reach.</summary>
    public (int Requests, int Errors) Since(TimeSpan length)
    {
        var beats = (int)Math.Ceiling(length / Beat);
        var (requests, errors) = beats < Samples ? Back(_beats, _beat, beats) : Back(_minutes, _minute, (int)Math.Ceiling(length.TotalMinutes));
        return (Volatile.Read(ref _requests) - requests, Volatile.Read(ref _errors) - errors);
    }

    /// <summary>Called each <see cref="Beat"/>.</summary>
    public void Sample() => Keep(_beats, ref _beat);

    /// <summary>Called each minute: what this one brought.</summary>
    public FigureTotals CloseMinute()
    {
        var now = Read();
        var last = Minutes.Last;
        Keep(_minutes, ref _minute);
        Minutes = (last, now);
        return now.Minus(last);
    }

    /// <summary>What the minute that is not over yet brought.</summary>
    public FigureTotals Open() => Read().Minus(Minutes.Last);

    /// <summary>The last one to two minutes.</summary>
    public FigureTotals Recent() => Read().Minus(Minutes.Before);

    private void Keep((int, int)[] ring, ref int next)
    {
        ring[next] = (Volatile.Read(ref _requests), Volatile.Read(ref _errors));
        Volatile.Write(ref next, (next + 1) % Samples);
    }

    private static (int Requests, int Errors) Back((int, int)[] ring, int next, int steps) => ring[(next - Math.Clamp(steps, 1, Samples) + Samples) % Samples];
}
