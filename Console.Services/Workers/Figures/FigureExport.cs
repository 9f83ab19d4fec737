using System.Diagnostics.Metrics;

namespace Quarterdeck.Workers.Figures;

/// <summary>What this node counts, as instruments that <c>GET /metrics</c> writes: one series a worker and version that did something within the hour.</summary>
/// <remarks>Versions of deleted workers keep their number as a name until they are forgotten.</remarks>
internal sealed class FigureExport : IDisposable
{
    private readonly Meter _meter;
    private readonly WorkerFigures _figures;
    private readonly WorkerTable _table;

    public FigureExport(IMeterFactory meters, WorkerFigures figures, WorkerTable table)
    {
        (_figures, _table) = (figures, table);
        _meter = meters.Create("Quarterdeck.Workers");
        Counter("quarterdeck.worker.requests", null, "Requests that ended.", t => t.Requests);
        Counter("quarterdeck.worker.errors", null, "Requests answered with 5xx or not at all.", t => t.Errors);
        Counter("quarterdeck.worker.cold_starts", null, "Loads because a request came.", t => t.ColdStarts);
        _meter.CreateObservableCounter("quarterdeck.worker.wall", () => Each(t => t.WallMicroseconds / 1e6), "s", "Time of requests, added up.");
        _meter.CreateObservableCounter("quarterdeck.worker.cpu", () => Each(t => t.CpuMicroseconds / 1e6), "s", "Processor time, added up.");
        _meter.CreateObservableGauge("quarterdeck.worker.wall_recent", () => Quantiles(t => t.Wall), "s", "Time of a request over the last one to two minutes.");
        _meter.CreateObservableGauge("quarterdeck.worker.cpu_recent", () => Quantiles(t => t.Cpu), "s", "Processor time of a turn over the last one to two minutes.");
        _meter.CreateObservableGauge("quarterdeck.worker.memory", () => _figures.Versions.Where(v => v.Value.MemoryBytes >= 0).Select(v => new Measurement<long>(v.Value.MemoryBytes, Tags(v.Key))), "By", "Memory of a version's isolates.");
        _meter.CreateObservableCounter("quarterdeck.worker.limit_hits", Hits, description: "Limits that were hit.");
    }

    public void Dispose() => _meter.Dispose();

    private void Counter(string name, string? unit, string text, Func<FigureTotals, long> value) =>
        _meter.CreateObservableCounter(name, () => _figures.Versions.Select(v => new Measurement<long>(value(v.Value.Read()), Tags(v.Key))), unit, text);

    private IEnumerable<Measurement<double>> Each(Func<FigureTotals, double> value) => _figures.Versions.Select(v => new Measurement<double>(value(v.Value.Read()), Tags(v.Key)));

    private IEnumerable<Measurement<double>> Quantiles(Func<FigureTotals, int[]> histogram)
    {
        foreach (var (key, version) in _figures.Versions)
        {
            var counts = histogram(version.Recent());
            foreach (var (share, name) in ((double, string)[])[(0.5, "0.5"), (0.99, "0.99")])
                if (Buckets.Percentile(counts, share) is { } micros) yield return new Measurement<double>(micros / 1e6, [.. Tags(key), new("quantile", name)]);
        }
    }

    private IEnumerable<Measurement<long>> Hits() => _figures.Versions.SelectMany(v => Enum.GetValues<WorkerLimitKind>()
        .Select(kind => (Kind: kind, Count: v.Value.Read().Limits[(int)kind])).Where(hit => hit.Count > 0)
        .Select(hit => new Measurement<long>(hit.Count, [.. Tags(v.Key), new("limit", hit.Kind.ToString().ToLowerInvariant())])));

    private KeyValuePair<string, object?>[] Tags(WorkerKey key) =>
        [new("worker", _table.Current.Workers.TryGetValue(key.Serial, out var worker) ? worker.Name : $"#{key.Serial}"), new("version", key.Version)];
}
