namespace Quarterdeck.Bench;

/// <summary>Processor time and throughput of the whole way of a request, front and isolate, against workerd alone and miniflare, in turns.</summary>
internal sealed class WorkersCpuBenchmark : IBenchmark
{
    private const int Rounds = 5, Seconds = 4, Connections = 16;

    public string Name => "workers-cpu";

    public string Description => "processor time of a request to a worker, front and isolate together, against workerd with a static config, miniflare, and node's vm";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        await using var raw = await WorkerPeer.WorkerdAsync(WorkersUnderTest.Hello, cancellation);
        await using var miniflare = await WorkerPeer.MiniflareAsync(WorkersUnderTest.Hello, cancellation);
        await using var vm = await WorkerPeer.NodeVmAsync(cancellation);
        await using var ours = await WorkersUnderTest.StartAsync(1, cancellation);
        await ours.DeployAsync("hello", WorkersUnderTest.Hello, cancellation);
        await ours.RouteAsync("hello.test", "hello", cancellation);
        IReadOnlyList<IReadOnlyList<int>> all = [[ours.Console.ProcessId], await ours.ShardsAsync(cancellation)];
        var (rawUs, miniUs, vmUs, frontUs, shardUs) = (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = -1; round < Rounds; round++)
        {
            var one = await Load.RunAsync(raw.Port, "hello.test", Connections, Seconds, [raw.Processes], cancellation);
            var two = await Load.RunAsync(miniflare.Port, "hello.test", Connections, Seconds, [miniflare.Processes], cancellation);
            var bare = await Load.RunAsync(vm.Port, "hello.test", Connections, Seconds, [vm.Processes], cancellation);
            var three = await Load.RunAsync(ours.Port, "hello.test", Connections, Seconds, all, cancellation);
            Console.Error.WriteLine($"round {round}: workerd {one.CpuMicroseconds[0]:0} us, miniflare {two.CpuMicroseconds[0]:0} us, node vm {bare.CpuMicroseconds[0]:0} us, front {three.CpuMicroseconds[0]:0} us, compute server {three.CpuMicroseconds[1]:0} us, failed {three.Failed} of {three.Requests}");
            if (round < 0) continue; // compiled by then
            rawUs.Add(one.CpuMicroseconds[0]);
            miniUs.Add(two.CpuMicroseconds[0]);
            vmUs.Add(bare.CpuMicroseconds[0]);
            frontUs.Add(three.CpuMicroseconds[0]);
            shardUs.Add(three.CpuMicroseconds[1]);
        }
        var (front, whole) = (Tools.Median(frontUs), Tools.Median(frontUs.Zip(shardUs, (f, s) => f + s)));
        return
        [
            new Figure("CPU of a request, front and isolate", "us", whole, "workerd direct", Tools.Median(rawUs), (us, them) => us <= 4 * them, "at most 4 times; stretch 3"),
            new Figure("CPU of a request behind the same front", "us", whole, "miniflare", front + Tools.Median(miniUs), (us, them) => us <= 0.8 * them, "at most 0.8 times"),
            new Figure("CPU of a request, for comparison", "us", whole, "node vm", Tools.Median(vmUs), (_, _) => true, "none: the peer has no limits, walls or APIs"),
        ];
    }
}

/// <summary>Requests a second with two shards, the load generator on the same cores.</summary>
internal sealed class WorkersThroughputBenchmark : IBenchmark
{
    private const int Rounds = 5, Seconds = 4, Connections = 32;

    public string Name => "workers-throughput";

    public string Description => "requests a second through the front to two shards, against one workerd with a static config";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        await using var raw = await WorkerPeer.WorkerdAsync(WorkersUnderTest.Hello, cancellation);
        await using var ours = await WorkersUnderTest.StartAsync(2, cancellation);
        // Two workers, so that both shards have one; asked for in the same round.
        foreach (var name in new[] { "one", "two" })
        {
            await ours.DeployAsync(name, WorkersUnderTest.Hello, cancellation);
            await ours.RouteAsync($"{name}.test", name, cancellation);
        }
        var (theirs, us, failed) = (new List<double>(), new List<double>(), 0L);
        for (var round = -1; round < Rounds; round++)
        {
            var one = await Load.RunAsync(raw.Port, "one.test", Connections, Seconds, [], cancellation);
            var two = await Task.WhenAll(new[] { "one.test", "two.test" }.Select(host => Load.RunAsync(ours.Port, host, Connections / 2, Seconds, [], cancellation)));
            Console.Error.WriteLine($"round {round}: workerd {one.PerSecond:0}/s, Quarterdeck {two.Sum(t => t.PerSecond):0}/s");
            if (round < 0) continue;
            theirs.Add(one.PerSecond);
            us.Add(two.Sum(t => t.PerSecond));
            failed += two.Sum(t => t.Failed);
        }
        return
        [
            new Figure("requests a second, two shards", "/s", Tools.Median(us), "one workerd direct", Tools.Median(theirs), (product, peer) => product >= 0.4 * peer, "at least 0.4 times; stretch 0.6"),
            new Figure("failed requests", "requests", failed, "none", 0, (product, _) => product == 0, "none"),
        ];
    }
}
