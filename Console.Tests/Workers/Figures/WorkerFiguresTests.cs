using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Database;
using Quarterdeck.Metrics;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Figures;

namespace Quarterdeck.Tests.Workers.Figures;

public sealed class WorkerFiguresTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Failures_are_5xx_and_what_was_not_answered_but_no_client_that_left()
    {
        var figures = new WorkerFigures();
        figures.Record(7, 2, 200, 100, RequestOutcome.Ok);
        figures.Record(7, 2, 404, 100, RequestOutcome.Ok);
        figures.Record(7, 2, 503, 100, RequestOutcome.Ok);
        figures.Record(7, 2, 0, 100, RequestOutcome.Limit);
        figures.Record(7, 2, 0, 100, RequestOutcome.Canceled);
        figures.Record(7, 3, 500, 100, RequestOutcome.Exception);
        figures.Record(8, 1, 500, 100, RequestOutcome.Exception);
        var version = figures.Window(7, 2, TimeSpan.FromMinutes(1));
        (version.Requests, version.Errors, version.ErrorRate).ShouldBe((5, 2, 0.4));
        var worker = figures.Window(7, TimeSpan.FromMinutes(1));
        (worker.Requests, worker.Errors, worker.Rate).ShouldBe((6, 3, 0.1));
        figures.Recent(new WorkerKey(7, 3), 60).ShouldBe(new VersionErrors(1, 1));
        figures.Recent(new WorkerKey(9, 1), 60).ShouldBe(default);
    }

    [Fact]
    public void A_window_forgets_what_is_older_in_beats_and_beyond_them_in_minutes()
    {
        var counters = new VersionCounters();
        counters.Request(100, failed: true);
        for (var beat = 0; beat < 12; beat++) counters.Sample();
        counters.Request(100, failed: false);
        counters.Since(TimeSpan.FromSeconds(30)).ShouldBe((1, 0));
        counters.Since(TimeSpan.FromSeconds(90)).ShouldBe((2, 1));
        counters.CloseMinute();
        counters.Request(100, failed: false);
        for (var minute = 0; minute < 9; minute++) counters.CloseMinute();
        counters.Since(TimeSpan.FromMinutes(9)).ShouldBe((0, 0));
        counters.Since(TimeSpan.FromMinutes(10)).ShouldBe((1, 0));
        counters.Since(TimeSpan.FromMinutes(11)).ShouldBe((3, 1));
    }

    [Fact]
    public void Recording_allocates_nothing_once_a_version_is_known()
    {
        var figures = new WorkerFigures();
        void Use()
        {
            figures.Record(1, 1, 200, 420, RequestOutcome.Ok);
            figures.RecordCpu(1, 1, 300, 3);
            figures.RecordMemory(1, 1, 4 << 20);
            figures.RecordColdStart(1, 1);
            figures.RecordLimit(1, 1, WorkerLimitKind.Cpu);
        }
        for (var i = 0; i < 100; i++) Use();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Use();
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public async Task No_count_is_lost_between_threads()
    {
        var figures = new WorkerFigures();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(t => Task.Run(() => { for (var i = 0; i < 20_000; i++) figures.Record(1, 1 + (i & 1), 200, i, RequestOutcome.Ok); })));
        figures.Window(1, TimeSpan.FromMinutes(1)).Requests.ShouldBe(80_000);
    }

    [Theory, DatabaseData]
    public async Task Minutes_are_stored_fold_into_hours_and_are_forgotten(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var (figures, store, time) = (new WorkerFigures(), new FigureStore(database.Db), new HandTime(Noon));
        using var meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var export = new FigureExport(meters.GetRequiredService<IMeterFactory>(), figures, new WorkerTable());
        using var keeper = new FigureKeeper(figures, store, export, time, NullLogger<FigureKeeper>.Instance);
        for (var minute = 0; minute < 3; minute++)
        {
            figures.Record(5, 1, 200, 1000, RequestOutcome.Ok);
            figures.Record(5, 1, 500, 9000, RequestOutcome.Exception);
            figures.RecordLimit(5, 1, WorkerLimitKind.Cpu);
            figures.RecordMemory(5, 1, 1000 + minute);
            keeper.Close(Noon.AddMinutes(minute));
            await keeper.StoreAsync(default);
        }
        keeper.Close(Noon.AddMinutes(3)); // nothing happened: no row
        await keeper.StoreAsync(default);
        var rows = await store.ReadAsync(5, Noon.AddDays(-1), default);
        rows.Select(r => (r.At, r.Seconds, r.Requests, r.Errors)).ShouldBe([.. Enumerable.Range(0, 3).Select(m => (Noon.AddMinutes(m), 60, 2, 1))]);

        time.Forward(TimeSpan.FromMinutes(5));
        var reader = new FigureReader(store, figures, time);
        figures.Record(5, 2, 200, 50, RequestOutcome.Ok); // not stored yet, and shown all the same
        var series = await reader.ReadAsync(5, null, FigureRange.Hour, default);
        (series.Points.Count, series.Points[^1].At).ShouldBe((60, Noon.AddMinutes(5)));
        series.Points.Sum(p => p.Requests).ShouldBe(7);
        series.Points[^6].Limits.ShouldBe(new Dictionary<WorkerLimitKind, int> { [WorkerLimitKind.Cpu] = 1 });
        series.Points[^6].WallP99!.Value.ShouldBeInRange(9000, 9000 * 5 / 4);
        series.Versions.ShouldBe([2, 1]);
        (await reader.ReadAsync(5, 2, FigureRange.Hour, default)).Points.Sum(p => p.Requests).ShouldBe(1);

        time.Forward(TimeSpan.FromHours(26));
        await keeper.StoreAsync(default);
        var hour = (await store.ReadAsync(5, Noon.AddDays(-1), default)).ShouldHaveSingleItem();
        (hour.At, hour.Seconds, hour.Requests, hour.Errors, hour.MemoryBytes).ShouldBe((Noon, 3600, 6, 3, 1002));
        time.Forward(TimeSpan.FromDays(31));
        await keeper.StoreAsync(default);
        (await store.ReadAsync(5, Noon.AddDays(-1), default)).ShouldBeEmpty();
    }

    [Theory, DatabaseData]
    public async Task A_minute_is_stored_once_and_another_nodes_minutes_count_with_ours(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var (figures, store, time) = (new WorkerFigures(), new FigureStore(database.Db), new HandTime(Noon.AddSeconds(80)));
        var other = FigureRow.Of(new WorkerKey(5, 1), Requests(10), 500, Noon, 60, "other");
        await store.SaveAsync([other, other], default);
        await store.SaveAsync([other], default);
        figures.Record(5, 1, 200, 1000, RequestOutcome.Ok);
        var lately = await new FigureReader(store, figures, time).LatelyAsync([5, 6], default);
        lately[5].Requests.ShouldBe(11);
        lately[6].Requests.ShouldBe(0);
        (await new FigureReader(store, figures, time).ReadAsync(5, null, FigureRange.Hour, default)).Points.Sum(p => p.Requests).ShouldBe(11);
    }

    [Fact]
    public async Task Prometheus_reads_them_by_worker_and_version()
    {
        var services = new ServiceCollection().AddMetrics();
        await using var provider = services.BuildServiceProvider();
        using var registry = new MetricsRegistry();
        var figures = new WorkerFigures();
        using var export = new FigureExport(provider.GetRequiredService<IMeterFactory>(), figures, new WorkerTable());
        figures.Record(4711, 3, 200, 2000, RequestOutcome.Ok);
        figures.RecordLimit(4711, 3, WorkerLimitKind.Heap);
        using var text = new MemoryStream();
        await registry.WriteAsync(text, default);
        var lines = System.Text.Encoding.UTF8.GetString(text.ToArray()).Split('\n');
        lines.ShouldContain("quarterdeck_worker_requests_total{version=\"3\",worker=\"#4711\"} 1");
        lines.ShouldContain("quarterdeck_worker_limit_hits_total{limit=\"heap\",version=\"3\",worker=\"#4711\"} 1");
        lines.ShouldContain(line => line.StartsWith("quarterdeck_worker_wall_recent_seconds{quantile=\"0.99\",version=\"3\",worker=\"#4711\"} 0.002", StringComparison.Ordinal));
    }

    private static FigureTotals Requests(int count) => new(count, 0, 0, count * 1000, 0, new int[Buckets.Count], new int[Buckets.Count], new int[Enum.GetValues<WorkerLimitKind>().Length]);
}
