using System.Collections.Concurrent;
using Quarterdeck.Workers.Figures;

namespace Quarterdeck.Workers;

/// <summary>Counts what workers do on this node, per worker and version. Recording takes no lock and, once a version is known, allocates nothing.</summary>
/// <remarks>Counters live in memory; each minute they are stored (a killed node loses what it counted since, at most a minute). Percentiles come from buckets a quarter of a power of two wide: at most 25 % too high, never too low.</remarks>
public sealed class WorkerFigures : IVersionErrors
{
    private readonly ConcurrentDictionary<WorkerKey, VersionCounters> _versions = new();

    /// <summary>This start of this node: two never write one row.</summary>
    internal string Node { get; } = Guid.CreateVersion7().ToString("N");

    internal IReadOnlyDictionary<WorkerKey, VersionCounters> Versions => _versions;

    /// <summary>A request ended.</summary>
    /// <param name="serial">The worker's number.</param>
    /// <param name="version">Its version.</param>
    /// <param name="status">The status sent to the client; 0 when none was.</param>
    /// <param name="wallMicroseconds">From the request's head to the end of the answer.</param>
    /// <param name="outcome">How it ended.</param>
    public void Record(long serial, int version, int status, long wallMicroseconds, RequestOutcome outcome) =>
        Of(serial, version).Request(wallMicroseconds, outcome is not RequestOutcome.Canceled && (status >= 500 || outcome is not RequestOutcome.Ok));

    /// <summary>Processor time was used in one or more turns of an isolate.</summary>
    /// <param name="serial">The worker's number.</param>
    /// <param name="version">Its version.</param>
    /// <param name="microseconds">Processor time of all these turns together.</param>
    /// <param name="turns">How many turns; each counts with the average.</param>
    public void RecordCpu(long serial, int version, long microseconds, int turns = 1) => Of(serial, version).Cpu(microseconds, turns);

    /// <summary>A version was loaded because a request came.</summary>
    public void RecordColdStart(long serial, int version) => Of(serial, version).ColdStart();

    /// <summary>Memory that the version's isolates hold now, heap and buffers together.</summary>
    public void RecordMemory(long serial, int version, long bytes) => Of(serial, version).Memory(bytes);

    /// <summary>A limit was hit.</summary>
    public void RecordLimit(long serial, int version, WorkerLimitKind limit) => Of(serial, version).Limit(limit);

    /// <summary>What one version did in the last <paramref name="length"/> on this node; for the automatic rollback.</summary>
    public WorkerWindow Window(long serial, int version, TimeSpan length) =>
        FigureWindow.Of(_versions.TryGetValue(new(serial, version), out var one) ? [one] : [], length);

    /// <summary>What all versions of a worker did in the last <paramref name="length"/> on this node.</summary>
    public WorkerWindow Window(long serial, TimeSpan length) =>
        FigureWindow.Of([.. _versions.Where(v => v.Key.Serial == serial).Select(v => v.Value)], length);

    /// <inheritdoc/>
    public VersionErrors Recent(WorkerKey key, int windowSeconds) =>
        _versions.TryGetValue(new(key.Serial, key.Version), out var one) && one.Since(TimeSpan.FromSeconds(windowSeconds)) is var (requests, errors) ? new(requests, errors) : default;

    /// <summary>Forgets a version that did nothing for long; one that is used meanwhile starts anew.</summary>
    internal void Forget(WorkerKey key) => _versions.TryRemove(key, out _);

    private VersionCounters Of(long serial, int version)
    {
        var key = new WorkerKey(serial, version);
        return _versions.TryGetValue(key, out var known) ? known : _versions.GetOrAdd(key, static _ => new VersionCounters());
    }
}
