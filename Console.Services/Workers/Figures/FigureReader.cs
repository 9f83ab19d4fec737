namespace Quarterdeck.Workers.Figures;

/// <summary>Makes series of the stored rows and of this node's minute that is not stored yet.</summary>
internal sealed class FigureReader(FigureStore store, WorkerFigures figures, TimeProvider time)
{
    public async Task<FigureSeries> ReadAsync(long serial, int? version, FigureRange range, CancellationToken cancellation)
    {
        var (steps, step) = range switch
        {
            FigureRange.Hour => (60, TimeSpan.FromMinutes(1)),
            FigureRange.Day => (144, TimeSpan.FromMinutes(10)),
            FigureRange.Week => (168, TimeSpan.FromHours(1)),
            _ => (120, TimeSpan.FromHours(6)),
        };
        var now = time.GetUtcNow();
        var last = now.AddTicks(-(now.Ticks % step.Ticks));
        var first = last - ((steps - 1) * step);
        List<FigureRow> rows = [.. await store.ReadAsync(serial, first, cancellation), .. Unstored(serial, now)];
        var versions = rows.Select(row => row.Version).Distinct().OrderDescending().ToList();
        if (version is not null) rows.RemoveAll(row => row.Version != version);
        var byStep = rows.ToLookup(row => (int)((row.At - first) / step));
        return new FigureSeries(range, step, [.. Enumerable.Range(0, steps).Select(i => Point(first + (i * step), byStep[i]))], versions);
    }

    /// <summary>The last minute of some workers, on all nodes.</summary>
    public async Task<IReadOnlyDictionary<long, WorkerWindow>> LatelyAsync(IReadOnlyList<long> serials, CancellationToken cancellation)
    {
        var minute = TimeSpan.FromMinutes(1);
        var here = figures.Versions.ToLookup(v => v.Key.Serial, v => v.Value);
        var elsewhere = (await store.ElsewhereAsync(serials, time.GetUtcNow() - (2 * minute), figures.Node, cancellation))
            .GroupBy(row => (row.Serial, row.Version, row.Node)).Select(rows => rows.MaxBy(row => row.At)!).ToLookup(row => row.Serial);
        return serials.Distinct().ToDictionary(serial => serial, serial => FigureWindow.Of([.. here[serial]], minute, elsewhere[serial]));
    }

    private IEnumerable<FigureRow> Unstored(long serial, DateTimeOffset now) => figures.Versions.Where(v => v.Key.Serial == serial)
        .Select(v => (v.Key, Counts: v.Value.Open(), v.Value.MemoryBytes)).Where(v => !v.Counts.IsEmpty)
        .Select(v => FigureRow.Of(v.Key, v.Counts, v.MemoryBytes, now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMinute)), 60, ""));

    private static FigurePoint Point(DateTimeOffset at, IEnumerable<FigureRow> rows)
    {
        var (totals, memory) = FigureRow.Sum(rows);
        return new FigurePoint(at, totals.Requests, totals.Errors, totals.ColdStarts,
            Buckets.Percentile(totals.Cpu, 0.5), Buckets.Percentile(totals.Cpu, 0.99), Buckets.Percentile(totals.Wall, 0.5), Buckets.Percentile(totals.Wall, 0.99), memory >= 0 ? memory : null,
            Enum.GetValues<WorkerLimitKind>().Where(kind => totals.Limits[(int)kind] > 0).ToDictionary(kind => kind, kind => totals.Limits[(int)kind]));
    }
}
