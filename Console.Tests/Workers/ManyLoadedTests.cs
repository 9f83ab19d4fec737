using System.Diagnostics;
using System.Globalization;
using System.Net;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Database;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Registry;
using Xunit.Abstractions;

namespace Quarterdeck.Tests.Workers;

/// <summary>Ten thousand workers of 1 KB, each asked, in one shard that has room for a part of them.</summary>
[Collection(Alone.Name)]
public sealed class ManyLoadedTests(ITestOutputHelper output)
{
    private const int Many = 10_000, ShardMiB = 2048, AtOnce = 4;

    [Fact, Trait("Category", "Long")]
    public async Task Each_of_ten_thousand_workers_answers_though_one_process_cannot_hold_them_all()
    {
        await using var console = await TestConsole.StartAsync(new Dictionary<string, string> { ["Quarterdeck:Workers:Servers:Shards"] = "1", ["Quarterdeck:Workers:Servers:ShardMiB"] = $"{ShardMiB}" });
        T Get<T>() where T : notnull => console.App.Services.GetRequiredService<T>();
        var upload = WorkersRoom.Upload(WorkersRoom.Hello + "\n// " + new string('x', 1000));
        (await Get<WorkerRegistry>().UploadAsync(WorkersRoom.Admin, "model", upload, true, default)).Problem.ShouldBeNull();
        await ManyWorkersTests.FillAsync(Get<Db>());
        await using (var connection = await Get<Db>().OpenAsync(default))
        {
            await connection.ExecuteAsync("INSERT INTO zones (hostname, created_at, changed_at) SELECT name || '.test', 1, 1 FROM workers WHERE created_by = 'test'");
            await connection.ExecuteAsync("INSERT INTO zone_routes (hostname, pattern, serial) SELECT name || '.test', '/*', serial FROM workers WHERE created_by = 'test'");
        }
        Get<WorkerNews>().AllWorkers();
        Get<WorkerNews>().Zones([.. Enumerable.Range(1, Many).Select(i => $"w{i:00000}.test")]);
        var table = Get<WorkerTable>();
        using (var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90))) await table.WaitForAsync(t => t.Workers.Count == Many + 1 && t.Zones.Count == Many, limit.Token);

        var front = Get<WorkerFront>();
        await front.OpenedAsync(default).WaitAsync(TimeSpan.FromSeconds(60));
        using var client = new HttpClient { BaseAddress = new Uri(front.Addresses[0]), Timeout = TimeSpan.FromSeconds(90) };
        var (times, most, began) = (new double[Many], 0L, Stopwatch.GetTimestamp());
        ComputeServerInfo Shard() => Get<ComputeServers>().List().Single(s => s.Tier is WorkerTier.Shared);
        await Parallel.ForEachAsync(Enumerable.Range(1, Many), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, cancellation) =>
        {
            var asked = Stopwatch.GetTimestamp();
            using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { Host = $"w{i:00000}.test" } };
            using var answer = await client.SendAsync(request, cancellation);
            (answer.StatusCode, await answer.Content.ReadAsStringAsync(cancellation)).ShouldBe((HttpStatusCode.OK, "hello"), $"worker {i}");
            times[i - 1] = Stopwatch.GetElapsedTime(asked).TotalMilliseconds;
            if (i % 50 == 0) InterlockedMax(ref most, Shard().RssBytes);
        });
        Array.Sort(times);
        var shard = Shard();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            {Many} workers of 1 KB answered once each, {AtOnce} at once, from one shard of {ShardMiB} MiB, in {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s
            first answers: p50 {times[Many / 2]:0.0} ms, p99 {times[Many * 99 / 100]:0.0} ms, longest {times[^1]:0} ms
            most memory {most >> 20} MiB, loaded in the end {shard.Workers}, restarts {shard.Restarts}
            """));
        shard.Restarts.ShouldBe(0, shard.LastEnd);
        shard.Workers.ShouldBeLessThan(Many, "some were unloaded");
    }

    private static void InterlockedMax(ref long most, long value)
    {
        for (var known = Interlocked.Read(ref most); value > known; known = Interlocked.Read(ref most))
            if (Interlocked.CompareExchange(ref most, value, known) == known) return;
    }
}
