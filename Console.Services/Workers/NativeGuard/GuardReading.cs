namespace Quarterdeck.Workers.NativeGuard;

/// <summary>What the guard counted for one isolate since it was made.</summary>
/// <param name="Slot">Its place in the file; another isolate may get it later, with another <paramref name="Generation"/>.</param>
/// <param name="Generation">Grows each time that the place gets another isolate.</param>
/// <param name="Key">The loader's name, such as <c>12@3</c>, <c>12@3~1</c> or <c>12@3+tail</c>; see <see cref="WorkerKey"/>.</param>
/// <param name="Turns">Uninterrupted runs of JavaScript.</param>
/// <param name="Busy">Time spent in them.</param>
/// <param name="LongestTurn">The longest of them.</param>
/// <param name="CpuEnds">Turns ended because they took too much CPU.</param>
/// <param name="StartupEnds">The same for the first turn.</param>
/// <param name="RateEnds">Turns ended because the worker had used its share of a core.</param>
/// <param name="HeapEnds">Turns ended because the heap was full.</param>
/// <param name="BufferEnds">Turns ended because of memory outside the heap.</param>
/// <param name="HeapBytes">Heap at the last look; looks are taken after turns, at most every 5 ms.</param>
/// <param name="BufferBytes">Memory outside the heap at the last look.</param>
/// <param name="Condemned">Its memory passed a limit and may stay full: evict it.</param>
/// <param name="Alive">False once it is gone.</param>
internal readonly record struct GuardReading(
    int Slot, uint Generation, string Key, long Turns, TimeSpan Busy, TimeSpan LongestTurn,
    long CpuEnds, long StartupEnds, long RateEnds, long HeapEnds, long BufferEnds, long HeapBytes, long BufferBytes, bool Condemned, bool Alive)
{
    /// <summary>The worker version's key, without the loader's suffixes.</summary>
    public string WorkerKey => Key.IndexOfAny(['~', '+']) is var at and >= 0 ? Key[..at] : Key;

    /// <summary>Memory at the last look.</summary>
    public long Bytes => HeapBytes + BufferBytes;
}

/// <summary>Whom a process end is put on.</summary>
/// <param name="Key">The worker version's key.</param>
/// <param name="Why">What it did, for people, such as <c>its code ran when the process crashed</c>.</param>
internal sealed record GuardBlame(string Key, string Why);
