using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Bench;

/// <summary>From sending new code in to its first answer on every node, while visitors ask both nodes all the time.</summary>
internal sealed class WorkersDeployBenchmark : IBenchmark
{
    private const int Swaps = 50;

    public string Name => "workers-deploy";

    public string Description => "PUT of a worker until two nodes answer with the new version, and failed requests meanwhile";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        await using var postgres = await PostgresServer.StartAsync();
        await postgres.ExecuteAsync("CREATE DATABASE bench");
        var database = postgres.ConnectionString("bench");
        var key = Path.Combine(Path.GetTempPath(), $"qd-bench-{Guid.NewGuid():N}.key");
        await File.WriteAllTextAsync(key, Guid.NewGuid().ToString("N"), cancellation);
        await using var console = await WorkersUnderTest.StartAsync(1, cancellation, ("QUARTERDECK_DATABASE", database), ("QUARTERDECK_KEY_FILE", key));
        await using var node = await WorkerPeer.NodeAsync(database, key, cancellation);
        await console.DeployAsync("shop", Source(0), cancellation);
        await console.RouteAsync("shop.test", "shop", cancellation);
        var newest = new ConcurrentDictionary<int, int>();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        long asked = 0, failed = 0;
        var visitors = new[] { console.Port, node.Port }.SelectMany(port => Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(() =>
        {
            while (!over.IsCancellationRequested)
            {
                try
                {
                    using var front = new BenchConnection(new IPEndPoint(IPAddress.Loopback, port), "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
                    while (!over.IsCancellationRequested)
                    {
                        var version = int.Parse(front.Ask(), System.Globalization.CultureInfo.InvariantCulture);
                        newest.AddOrUpdate(port, version, (_, known) => Math.Max(known, version));
                        Interlocked.Increment(ref asked);
                        Thread.Sleep(1);
                    }
                }
                catch (Exception e) when (e is InvalidOperationException or System.Net.Sockets.SocketException)
                {
                    if (newest.ContainsKey(port)) Interlocked.Increment(ref failed); // before, the node was still learning of the zone
                }
            }
        }, TaskCreationOptions.LongRunning))).ToArray();
        while (newest.Count < 2) await Task.Delay(20, cancellation);
        var times = new List<double>();
        for (var swap = 1; swap <= Swaps; swap++)
        {
            var began = Stopwatch.GetTimestamp();
            await console.DeployAsync("shop", Source(swap), cancellation);
            while (newest.Values.Any(v => v < swap)) await Task.Delay(1, cancellation);
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
        await over.CancelAsync();
        await Task.WhenAll(visitors);
        File.Delete(key);
        times.Sort();
        Console.Error.WriteLine($"p50 {times[Swaps / 2]:0} ms, {asked} requests meanwhile");
        return
        [
            new Figure("PUT until both nodes answer with it, p99", "ms", times[^1], "limit", 500, (product, limit) => product <= limit, "at most 500 ms"),
            new Figure("failed requests meanwhile", "requests", failed, $"of {asked}", 0, (product, _) => product == 0, "none"),
        ];
    }

    private static string Source(int version) => $"export default {{ async fetch() {{ return new Response('{version}'); }} }};";
}
