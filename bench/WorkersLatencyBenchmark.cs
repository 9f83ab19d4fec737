using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Workers;

namespace Quarterdeck.Bench;

/// <summary>What the front adds to a request when nothing else happens: the same worker asked through it and past it, in turns.</summary>
internal sealed class WorkersLatencyBenchmark : IBenchmark
{
    private const int Warm = 3000, Rounds = 5000;

    public string Name => "workers-latency";

    public string Description => "a request to a worker through the front, against the same request straight to its compute server";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        await using var workers = await WorkersInProcess.StartAsync(1, cancellation);
        var hello = await workers.DeployAsync("hello", WorkersUnderTest.Hello, cancellation);
        using var front = workers.Front("hello.test");
        using var direct = workers.Direct(hello);
        var (ours, theirs) = (new List<double>(Rounds), new List<double>(Rounds));
        await Task.Factory.StartNew(() =>
        {
            for (var round = -Warm; round < Rounds; round++)
                foreach (var (connection, list) in new[] { (front, ours), (direct, theirs) })
                {
                    var began = Stopwatch.GetTimestamp();
                    connection.Ask();
                    if (round >= 0) list.Add(Stopwatch.GetElapsedTime(began).TotalMicroseconds);
                }
        }, cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var (us, them) = (Tools.Median(ours), Tools.Median(theirs));
        Console.Error.WriteLine($"p50 through the front {us:0} us, past it {them:0} us, added {us - them:0} us");
        return [new Figure("a request through the front, p50 at low load", "us", us, "past the front", them, (product, peer) => product - peer <= 60, "at most 60 us more")];
    }
}

/// <summary>The first request of a worker that is not loaded.</summary>
internal sealed class WorkersColdBenchmark : IBenchmark
{
    private const int Workers = 300;

    public string Name => "workers-cold";

    public string Description => "the first answer of a worker that is not loaded, through the front, against a loaded one";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        await using var workers = await WorkersInProcess.StartAsync(1, cancellation);
        var (cold, warm) = (new List<double>(), new List<double>());
        for (var i = 0; i < Workers; i++) await workers.DeployAsync($"w{i}", WorkersUnderTest.Hello.Replace("hello", $"hello {i}", StringComparison.Ordinal), cancellation);
        for (var i = 0; i < Workers; i++)
        {
            // The start-up check may have left it loaded.
            await workers.Get<ComputeServers>().EvictAsync(workers.Get<WorkerTable>().Current.ByName($"w{i}")!.Versions[0].Key, cancellation);
            using var front = workers.Front($"w{i}.test");
            foreach (var list in new[] { cold, warm })
            {
                var began = Stopwatch.GetTimestamp();
                if (front.Ask() != $"hello {i}\n") throw new InvalidOperationException("Another worker answered.");
                list.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
        }
        cold.Sort();
        return
        [
            new Figure("first answer of an unloaded worker, p50", "ms", cold[Workers / 2], "a loaded one", Tools.Median(warm), (product, _) => product <= 6, "at most 6 ms"),
            new Figure("first answer of an unloaded worker, p99", "ms", cold[Workers * 99 / 100], "a loaded one", Tools.Median(warm), (product, _) => product <= 25, "at most 25 ms"),
        ];
    }
}

/// <summary>What each further worker costs in memory, and whether many of them answer from one shard.</summary>
internal sealed class WorkersMemoryBenchmark : IBenchmark
{
    private const int Workers = 2000, First = 100;

    public string Name => "workers-memory";

    public string Description => "resident memory of a shard for each further idle worker; 2,000 workers answer";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        await using var workers = await WorkersInProcess.StartAsync(1, cancellation, "--Quarterdeck:Workers:Servers:ShardMiB=8192");
        for (var i = 0; i < Workers; i++)
        {
            await workers.DeployAsync($"w{i}", WorkersUnderTest.Hello.Replace("hello", $"hello {i}", StringComparison.Ordinal), cancellation);
            if (i % 200 == 199) Console.Error.WriteLine($"{i + 1} workers made");
        }
        var process = workers.Get<ComputeServers>().List()[0].Pid!.Value;
        long before = 0;
        var answered = 0;
        for (var i = 0; i < Workers; i++)
        {
            if (i == First) before = Load.MemoryOf(process);
            using var front = workers.Front($"w{i}.test");
            if (front.Ask() == $"hello {i}\n") answered++;
        }
        var each = (Load.MemoryOf(process) - before) / (double)(Workers - First) / 1e6;
        var same = workers.Get<ComputeServers>().List()[0].Pid == process;
        return
        [
            new Figure("memory of a further idle worker", "MB", each, "limit", 2.3, (product, limit) => product <= limit, "at most 2.3 MB"),
            new Figure("workers of one shard that answered", "workers", same ? answered : 0, "made", Workers, (product, made) => product == made, "all, from one process"),
        ];
    }
}

/// <summary>From the call to the first answer of the version before.</summary>
internal sealed class WorkersRollbackBenchmark : IBenchmark
{
    private const int Rounds = 40;

    public string Name => "workers-rollback";

    public string Description => "a rollback, until the version before answers";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        await using var workers = await WorkersInProcess.StartAsync(1, cancellation);
        foreach (var answer in new[] { "first", "second" }) await workers.DeployAsync("shop", WorkersUnderTest.Hello.Replace("hello", answer, StringComparison.Ordinal), cancellation);
        using var front = workers.Front("shop.test");
        var (times, warm) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            var before = front.Ask();
            var began = Stopwatch.GetTimestamp();
            _ = (await workers.Get<WorkerDeployments>().RollBackAsync(Caller.System, "shop", cancellation)).Value;
            while (front.Ask() == before) { }
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            began = Stopwatch.GetTimestamp();
            front.Ask();
            warm.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
        return [new Figure("rollback until it answers, longest", "ms", times.Max(), "a request", Tools.Median(warm), (product, _) => product <= 200, "at most 200 ms")];
    }
}
