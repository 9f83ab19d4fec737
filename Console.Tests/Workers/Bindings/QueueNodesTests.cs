using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Database;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;
using Xunit.Abstractions;

namespace Quarterdeck.Tests.Workers.Bindings;

/// <summary>A console and two nodes of their own processes, over one PostgreSQL, consume one queue with real workerd.</summary>
public sealed class QueueNodesTests(ITestOutputHelper output)
{
    // In batches of five, of which a node has 32 at once: of 90 at least 26 are left for the third, whoever is first.
    private const int First = 600, Second = 450, Left = 26;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(180); // a lease of 90 s is waited for
    // Half of a lease: a call is given up when it was not renewed for so long, so what a node had comes again at least as long after its end.
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(45);

    [Fact, Trait("Category", "Long")]
    public async Task Three_nodes_handle_each_message_once_and_what_a_killed_one_had_comes_again_after_its_lease_and_never_at_once()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Postgres);
        var key = Path.Combine(database.Options.DataFolder, "shared.key");
        await File.WriteAllTextAsync(key, Guid.NewGuid().ToString("N"));
        await using var console = await TestConsole.StartAsync(new Dictionary<string, string> { ["QUARTERDECK_DATABASE"] = database.Options.Database!, ["QUARTERDECK_KEY_FILE"] = key, ["Quarterdeck:Workers:Servers:Shards"] = "1" });
        var front = console.App.Services.GetRequiredService<WorkerFront>();
        await front.OpenedAsync(default).WaitAsync(Limit);
        await DeployAsync(console);
        await using var north = new WorkerNode("north", database.Options.Database!, key);
        await using var south = new WorkerNode("south", database.Options.Database!, key);
        using var here = Visitor(new Uri(front.Addresses[0]));
        using var there = Visitor(await north.AddressAsync());
        using var beyond = Visitor(await south.AddressAsync());
        var names = new List<string>();
        foreach (var visitor in (HttpClient[])[here, there, beyond])
        {
            await UntilAsync(async () => await TryAsync(visitor, "/me") is not null, "every node answers for the zone");
            names.Add((await TryAsync(visitor, "/me"))!);
        }

        // No call ends before somebody says so, and a node makes 32 at once: each gets its share.
        await AskAsync(here, $"/send?from=0&count={First}");
        await UntilAsync(async () => (await RunsAsync(here)).Select(r => r.Me).ToHashSet().IsSupersetOf(names), "all three consume");
        await AskAsync(here, "/go");
        await UntilAsync(async () => await MessagesAsync(console) == 0, "every message is handled");
        var runs = await RunsAsync(here);
        runs.SelectMany(r => r.Ids).Order().ShouldBe(Enumerable.Range(0, First), "each message was handed out once");
        runs.ShouldAllBe(r => r.End != null);
        output.WriteLine($"{First} messages in {runs.Count} batches, each handled once; by the console {Share(runs, names[0])}, by the nodes {Share(runs, names[1])} and {Share(runs, names[2])}");

        await AskAsync(here, "/stop");
        await AskAsync(here, $"/send?from={First}&count={Second}");
        await UntilAsync(async () => (await RunsAsync(here)).Count(r => r.Me == names[1] && r.End is null) >= Left, "the node to be killed has messages");
        await north.KillAsync();
        var killedAt = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        await AskAsync(here, "/go");
        await UntilAsync(async () => await MessagesAsync(console) == 0, "every message is handled, those of the killed node too");
        runs = await RunsAsync(here);
        var lost = runs.Where(r => r.End is null).SelectMany(r => r.Ids).ToHashSet();
        lost.ShouldNotBeEmpty();
        runs.Where(r => r.End is null).ShouldAllBe(r => r.Me == names[1]);
        runs.Handled().Order().ShouldBe(Enumerable.Range(0, First + Second));
        runs.AtOnce(killedAt).ShouldBeEmpty("two nodes had it at once");
        runs.Where(r => r.End is not null).SelectMany(r => r.Ids).Count().ShouldBe(First + Second, "none was handled twice");
        var again = runs.Where(r => r.End is not null && r.Ids.Any(lost.Contains)).Min(r => r.Start) - killedAt;
        TimeSpan.FromMilliseconds(again).ShouldBeGreaterThan(Least);
        output.WriteLine($"a node killed with {lost.Count} of {Second} messages: the first of them handed out again after {again / 1000.0:0.0} s (lease 90 s), all {Second} handled, none twice, none by two at once");
    }

    private static async Task DeployAsync(TestConsole console)
    {
        var metadata = new
        {
            mainModule = "main.js", limits = new { subrequests = 10_000, wallMs = 900_000, concurrentSubrequests = 64 },
            bindings = new Dictionary<string, object> { ["Q"] = new { type = "queue", queue = "work" }, ["LOG"] = new { type = "kv", @namespace = "log" } },
            triggers = new { crons = Array.Empty<string>(), queues = new[] { new { queue = "work", maxBatchSize = 5, maxBatchTimeoutSeconds = 0, maxRetries = 100, maxConcurrency = 100 } } },
        };
        var code = QueueRuns.Source("""while (await env.LOG.get("go") === null) await scheduler.wait(1000);""", """case "/stop": await env.LOG.delete("go"); return new Response("stopped");""");
        await MadeAsync(console.Rest.PutAsync("/api/v1/workers/handlers", new MultipartFormDataContent { { JsonContent.Create(metadata), "metadata" }, { new StringContent(code), "main.js", "main.js" } }));
        await MadeAsync(console.Rest.PutAsJsonAsync("/api/v1/zones/handlers.test", new { routes = new[] { new { pattern = "/*", worker = "handlers" } } }));
    }

    private static async Task MadeAsync(Task<HttpResponseMessage> call)
    {
        using var answer = await call;
        answer.IsSuccessStatusCode.ShouldBeTrue(await answer.Content.ReadAsStringAsync());
    }

    private static HttpClient Visitor(Uri front) => new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = front, DefaultRequestHeaders = { Host = "handlers.test" } };

    private static int Share(IEnumerable<QueueRun> runs, string me) => runs.Where(r => r.Me == me).Sum(r => r.Ids.Length);

    private static async Task<int> MessagesAsync(TestConsole console) => (await console.Rest.GetFromJsonAsync<JsonElement>("/api/v1/queues/work")).GetProperty("messages").GetInt32();

    private static async Task<IReadOnlyList<QueueRun>> RunsAsync(HttpClient visitor) => QueueRuns.Read(await AskAsync(visitor, "/runs"));

    private static async Task<string> AskAsync(HttpClient visitor, string path)
    {
        using var answer = await visitor.GetAsync(path);
        var text = await answer.Content.ReadAsStringAsync();
        answer.IsSuccessStatusCode.ShouldBeTrue($"{path}: {(int)answer.StatusCode} {text}");
        return text;
    }

    private static async Task<string?> TryAsync(HttpClient visitor, string path)
    {
        try
        {
            using var answer = await visitor.GetAsync(path);
            return answer.IsSuccessStatusCode ? await answer.Content.ReadAsStringAsync() : null;
        }
        catch (HttpRequestException) { return null; }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        for (var until = DateTime.UtcNow + Limit; !await condition(); await Task.Delay(200))
            if (DateTime.UtcNow > until) Assert.Fail($"Not within {Limit.TotalSeconds} s: {what}.");
    }
}
