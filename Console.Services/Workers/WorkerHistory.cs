using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Figures;

namespace Quarterdeck.Workers;

/// <summary>How far back figures are asked for.</summary>
public enum FigureRange
{
    /// <summary>The last hour, by the minute.</summary>
    Hour,
    /// <summary>The last 24 hours, in steps of ten minutes.</summary>
    Day,
    /// <summary>The last seven days, by the hour.</summary>
    Week,
    /// <summary>The last 30 days, in steps of six hours.</summary>
    Month,
}

/// <summary>What happened in one step of time, on all nodes together.</summary>
/// <param name="At">When the step began.</param>
/// <param name="Requests">Requests that ended.</param>
/// <param name="Errors">Of these, failed ones.</param>
/// <param name="ColdStarts">Loads of a version because a request came.</param>
/// <param name="CpuP50">Median processor time of a turn in microseconds; null when none was measured. Percentiles are at most 25 % too high.</param>
/// <param name="CpuP99">The 99th percentile of the same.</param>
/// <param name="WallP50">Median time of a request in microseconds; null without requests.</param>
/// <param name="WallP99">The 99th percentile of the same.</param>
/// <param name="MemoryBytes">The most memory that was seen; null when none was measured.</param>
/// <param name="Limits">Limits that were hit, and how often.</param>
public sealed record FigurePoint(
    DateTimeOffset At, long Requests, long Errors, long ColdStarts, long? CpuP50, long? CpuP99, long? WallP50, long? WallP99, long? MemoryBytes, IReadOnlyDictionary<WorkerLimitKind, int> Limits);

/// <summary>Figures of a worker over time.</summary>
/// <param name="Range">How far back.</param>
/// <param name="Step">Time between two points.</param>
/// <param name="Points">Oldest first, without gaps; the last is not over yet.</param>
/// <param name="Versions">Versions that did something in that time, the newest first.</param>
public sealed record FigureSeries(FigureRange Range, TimeSpan Step, IReadOnlyList<FigurePoint> Points, IReadOnlyList<int> Versions);

/// <summary>What workers did: just now on this node, and stored, on all nodes.</summary>
public sealed class WorkerHistory
{
    private readonly FigureReader _reader;
    private readonly WorkerRegistry _workers;
    private readonly Guard _guard;

    internal WorkerHistory(FigureReader reader, WorkerRegistry workers, Guard guard) => (_reader, _workers, _guard) = (reader, workers, guard);

    /// <summary>What some workers did in the last minute: on this node until now, on others in their last stored minute.</summary>
    /// <param name="caller">Who asks; needs <see cref="WorkersPermissions.Read"/>.</param>
    /// <param name="serials">The workers' numbers, at most 500.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>By number; those that did nothing are there, too.</returns>
    public async Task<Result<IReadOnlyDictionary<long, WorkerWindow>>> LatelyAsync(Caller caller, IReadOnlyList<long> serials, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, "worker", cancellation) is { } refused) return refused;
        return Result<IReadOnlyDictionary<long, WorkerWindow>>.From(await _reader.LatelyAsync(serials, cancellation));
    }

    /// <summary>A worker's figures over time.</summary>
    /// <param name="caller">Who asks; needs <see cref="WorkersPermissions.Read"/>.</param>
    /// <param name="name">The worker's name.</param>
    /// <param name="version">One version; null for all together.</param>
    /// <param name="range">How far back.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Result<FigureSeries>> ReadAsync(Caller caller, string name, int? version, FigureRange range, CancellationToken cancellation) =>
        (await _workers.GetAsync(caller, name, cancellation)).TryGet(out var worker, out var problem)
            ? await _reader.ReadAsync(worker.Serial, version, range, cancellation) : problem;
}
