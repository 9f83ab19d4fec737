namespace Quarterdeck.Workers;

/// <summary>What a worker, or one version of it, did lately on this node.</summary>
/// <param name="Length">How far back it reaches: five seconds to an hour; rounded to five seconds, above five minutes to a minute.</param>
/// <param name="Requests">Requests that ended.</param>
/// <param name="Errors">Of these, those answered with 5xx or not at all; a client that went away is no error.</param>
/// <param name="CpuP50">Median of processor time per turn in microseconds over the last one to two minutes; null when none was measured.</param>
/// <param name="CpuP99">The 99th percentile of the same.</param>
/// <param name="WallP50">Median time per request in microseconds, from its head to the end of its answer, over the last one to two minutes; null without requests.</param>
/// <param name="WallP99">The 99th percentile of the same.</param>
/// <param name="MemoryBytes">Memory last seen; null when none was measured.</param>
public sealed record WorkerWindow(TimeSpan Length, long Requests, long Errors, long? CpuP50, long? CpuP99, long? WallP50, long? WallP99, long? MemoryBytes)
{
    /// <summary>Requests per second.</summary>
    public double Rate => Length > TimeSpan.Zero ? Requests / Length.TotalSeconds : 0;

    /// <summary>Errors per request, 0 to 1; 0 without requests.</summary>
    public double ErrorRate => Requests > 0 ? (double)Errors / Requests : 0;
}
