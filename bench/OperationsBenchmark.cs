using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Bench;

/// <summary>1,000 operations queued one after the other, beside 1,000 trivial jobs of bare Quartz.NET on the same store in the same run: how fast they are taken, and how long they wait for their start.</summary>
/// <remarks>An operation is more than a job (permission, audit, a row with steps and log, fencing); the figures show what that costs. Peer and product take turns, and each has its own fresh database.</remarks>
internal sealed class OperationsBenchmark : IBenchmark
{
    private const int Count = 1000;
    private const int Paced = 100;
    private const int Rounds = 2;

    public string Name => "operations";

    public string Description => "1,000 operations queued: enqueue rate and start latency on SQLite, PostgreSQL with one node and with two, against bare Quartz.NET";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        await using var postgres = await PostgresServer.StartAsync();
        var figures = new List<Figure>();
        foreach (var (store, nodes) in new[] { ("SQLite", 1), ("PostgreSQL", 1), ("PostgreSQL", 2) })
        {
            var setup = $"{store}, {nodes} {(nodes == 1 ? "node" : "nodes")}";
            List<Measures> products = [], peers = [];
            for (var round = 0; round <= Rounds; round++)
            {
                var peer = await MeasureAsync(store, postgres, options => QuartzPeer.StartAsync(options, nodes), cancellation);
                var product = await MeasureAsync(store, postgres, options => OperationNodes.StartAsync(options, nodes), cancellation);
                Console.Error.WriteLine($"{setup}, {(round == 0 ? "warm-up" : $"round {round}")}: Quartz.NET {peer}; Quarterdeck {product}");
                if (round == 0) continue;   // the first pays for the just-in-time compiler
                peers.Add(peer);
                products.Add(product);
            }
            Figure Of(string name, string unit, Func<Measures, double> value, Func<double, double, bool> limit, string text) =>
                new($"{name} ({setup})", unit, Median(products.Select(value)), "bare Quartz.NET", Median(peers.Select(value)), limit, text);
            figures.AddRange(
            [
                Of("enqueue rate", "operations/s", m => m.Rate, (product, peer) => product >= 0.6 * peer, "at least 0.6 of the peer's"),
                Of("start latency of single operations, p50", "ms", m => m.SingleP50, (product, peer) => product <= Math.Max(2 * peer, 15), "at most twice the peer's, or 15 ms"),
                Of("start latency of single operations, p99", "ms", m => m.SingleP99, (product, peer) => product <= Math.Max(2 * peer, 100), "at most twice the peer's, or 100 ms"),
                Of("start latency within 1,000 at once, p50", "ms", m => m.BurstP50, (product, peer) => product <= Math.Max(2 * peer, 2500), "at most twice the peer's, or 2.5 s: a faster queue fills before it drains"),
                Of("start latency within 1,000 at once, p99", "ms", m => m.BurstP99, (product, peer) => product <= Math.Max(2 * peer, 3500), "at most twice the peer's, or 3.5 s"),
            ]);
        }
        return figures;
    }

    /// <summary>A fresh database and its nodes: single ones with pauses, then the burst.</summary>
    private static async Task<Measures> MeasureAsync(string store, PostgresServer postgres, Func<ConsoleOptions, Task<IQueueUnderTest>> start, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("qd-bench-operations-").FullName;
        try
        {
            string? connection = null;
            if (store == "PostgreSQL")
            {
                var name = "b" + Guid.NewGuid().ToString("N");
                await postgres.ExecuteAsync($"CREATE DATABASE {name}");
                connection = postgres.ConnectionString(name);
            }
            await using var queue = await start(new ConsoleOptions { DataFolder = folder, Database = connection, ImageRoots = [folder] });
            var single = new List<double>();
            for (var i = 0; i < Paced; i++)
            {
                await queue.EnqueueAsync(cancellation);
                single.AddRange(await queue.StartedAsync(1, cancellation));
            }
            var clock = System.Diagnostics.Stopwatch.StartNew();
            for (var i = 0; i < Count; i++) await queue.EnqueueAsync(cancellation);
            var rate = Count / clock.Elapsed.TotalSeconds;
            var burst = await queue.StartedAsync(Count, cancellation);
            return new Measures(rate, Percentile(single, 50), Percentile(single, 99), Percentile(burst, 50), Percentile(burst, 99));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double Median(IEnumerable<double> values) => Percentile([.. values], 50);

    private static double Percentile(IReadOnlyList<double> values, int percent) => values.Order().ElementAt(Math.Min(values.Count - 1, values.Count * percent / 100));

    /// <summary>Operations a second, and milliseconds from the call until the work begins.</summary>
    private sealed record Measures(double Rate, double SingleP50, double SingleP99, double BurstP50, double BurstP99)
    {
        public override string ToString() => $"{Rate:0}/s, single {SingleP50:0.0}/{SingleP99:0.0} ms, burst {BurstP50:0}/{BurstP99:0} ms";
    }
}

/// <summary>Something that runs what is queued: the product or its peer.</summary>
internal interface IQueueUnderTest : IAsyncDisposable
{
    /// <summary>Queues one piece of work, as a caller would; it notes when it begins.</summary>
    Task EnqueueAsync(CancellationToken cancellation);

    /// <summary>Waits until so many more have begun; the milliseconds from the call of each to its begin.</summary>
    Task<IReadOnlyList<double>> StartedAsync(int count, CancellationToken cancellation);
}
