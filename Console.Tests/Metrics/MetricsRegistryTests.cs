using System.Diagnostics.Metrics;
using System.Text;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Metrics;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Metrics;

public sealed class MetricsRegistryTests : IDisposable
{
    // Names of this test's own: other tests of the process use meters at the same time.
    private readonly string _prefix = "t" + Guid.NewGuid().ToString("N")[..8];
    private readonly Meter _meter = new("Quarterdeck.Tests");
    private readonly MetricsRegistry _registry = new();

    public void Dispose()
    {
        _registry.Dispose();
        _meter.Dispose();
    }

    private async Task<Exposition> ScrapeAsync()
    {
        var to = new MemoryStream();
        await _registry.WriteAsync(to, default);
        return new Exposition(Encoding.UTF8.GetString(to.ToArray()));
    }

    private static KeyValuePair<string, object?> Tag(string name, object? value) => new(name, value);

    [Fact]
    public async Task Counters_add_up_per_labels_whatever_their_order()
    {
        var counter = _meter.CreateCounter<int>($"{_prefix}.done", "{thing}", "Things done.");
        counter.Add(2, Tag("kind", "a"), Tag("ok", true));
        counter.Add(3, Tag("ok", true), Tag("kind", "a"));
        counter.Add(1);
        var metrics = await ScrapeAsync();
        metrics.TypeOf($"{_prefix}_done_total").ShouldBe("counter");
        metrics[$"{_prefix}_done_total", ("kind", "a"), ("ok", "true")].ShouldBe(5);
        metrics[$"{_prefix}_done_total"].ShouldBe(1);
    }

    [Fact]
    public async Task Awkward_label_values_and_help_texts_are_escaped()
    {
        const string awkward = "a\"b\\c\nd,e=\"}äö ";
        _meter.CreateCounter<long>($"{_prefix}.odd", description: "One \\ and\ntwo lines").Add(1, Tag("na-me.1", awkward), Tag("2nd", null));
        (await ScrapeAsync())[$"{_prefix}_odd_total", ("na_me_1", awkward), ("_2nd", "")].ShouldBe(1);
    }

    [Fact]
    public async Task A_histogram_has_cumulative_buckets_a_sum_and_a_count()
    {
        var histogram = _meter.CreateHistogram($"{_prefix}.wait", "s", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1, 10] });
        foreach (var value in (double[])[0.05, 0.1, 0.5, 20]) histogram.Record(value, Tag("a", "x"));
        var metrics = await ScrapeAsync();
        var name = $"{_prefix}_wait_seconds";
        metrics.TypeOf(name).ShouldBe("histogram");
        ((string[])["0.1", "1", "10", "+Inf"]).Select(le => metrics[name + "_bucket", ("a", "x"), ("le", le)]).ShouldBe([2, 3, 3, 4]);
        metrics[name + "_sum", ("a", "x")].ShouldBe(20.65, 1e-9);
        metrics[name + "_count", ("a", "x")].ShouldBe(4);
    }

    [Fact]
    public async Task What_is_observed_is_told_as_it_is_now_and_no_longer_when_it_is_gone()
    {
        var hosts = new Dictionary<string, int> { ["a"] = 1, ["b"] = 2 };
        _meter.CreateObservableGauge($"{_prefix}.hosts", () => hosts.Select(h => new Measurement<int>(h.Value, Tag("host", h.Key))));
        (await ScrapeAsync())[$"{_prefix}_hosts", ("host", "b")].ShouldBe(2);
        hosts.Remove("b");
        hosts["a"] = 7;
        var metrics = await ScrapeAsync();
        metrics[$"{_prefix}_hosts", ("host", "a")].ShouldBe(7);
        metrics.Has($"{_prefix}_hosts", ("host", "b")).ShouldBeFalse();
    }

    [Fact]
    public async Task Up_down_counters_and_gauges_are_gauges()
    {
        var upDown = _meter.CreateUpDownCounter<int>($"{_prefix}.open");
        upDown.Add(5);
        upDown.Add(-2);
        var gauge = _meter.CreateGauge<double>($"{_prefix}.level");
        gauge.Record(1.5);
        gauge.Record(double.NegativeInfinity);
        var metrics = await ScrapeAsync();
        metrics.TypeOf($"{_prefix}_open").ShouldBe("gauge");
        metrics[$"{_prefix}_open"].ShouldBe(3);
        metrics[$"{_prefix}_level"].ShouldBe(double.NegativeInfinity);
    }

    [Fact]
    public async Task Labels_without_end_do_not_eat_the_memory()
    {
        var counter = _meter.CreateCounter<int>($"{_prefix}.many");
        for (var i = 0; i < 5000; i++) counter.Add(1, Tag("id", i));
        (await ScrapeAsync()).Count($"{_prefix}_many_total").ShouldBe(1000);
    }

    [Fact]
    public void Counting_allocates_nothing_once_a_series_is_known()
    {
        var counter = _meter.CreateCounter<long>($"{_prefix}.hot");
        var histogram = _meter.CreateHistogram<double>($"{_prefix}.hot.time", "s");
        void Count()
        {
            counter.Add(1, new KeyValuePair<string, object?>("kind", "vm.create"));
            histogram.Record(0.2);
        }
        Count();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Count();
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public async Task Process_runtime_and_database_are_told()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        await using var connection = await database.Db.OpenAsync(default);
        await connection.ExecuteScalarAsync<int>("SELECT 1");
        GC.Collect();
        var metrics = await ScrapeAsync();
        metrics["process_resident_memory_bytes"].ShouldBeGreaterThan(1 << 20);
        metrics["process_cpu_seconds_total"].ShouldBeGreaterThan(0);
        metrics["process_open_fds"].ShouldBeGreaterThan(3);
        metrics["process_start_time_seconds"].ShouldBeInRange(1.7e9, 4e9);
        metrics.Names.ShouldContain("quarterdeck_build_info");
        metrics["dotnet_gc_collections_total", ("gc_heap_generation", "gen2")].ShouldBeGreaterThan(0);
        metrics.TypeOf("quarterdeck_database_command_duration_seconds").ShouldBe("histogram");
        metrics.Names.ShouldContain("quarterdeck_database_available");
    }
}
