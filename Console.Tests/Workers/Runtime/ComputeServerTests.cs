using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Runtime;

/// <summary>Loading, versions and what workers tell the host, in real workerd.</summary>
public sealed class ComputeServerTests
{
    private const string Hello = "export default { fetch() { return new Response('hello'); } };";
    private const string Counter = "let n = 0; export default { fetch() { return new Response(String(++n)); } };";

    [Fact]
    public async Task A_version_is_loaded_when_it_is_first_asked_for_and_answers()
    {
        await using var node = await ComputeNode.StartAsync();
        var key = node.Deploy(1, """
            import text from "../lib/words.txt"; import data from "./data.json"; import { add } from "../lib/add.js";
            export default { fetch(request, env) { return Response.json([text, data.n, add(1, 2), env.PLAIN, env.SECRET, env.SETTINGS.deep[1], request.url]); } };
            """, bindings: [ComputeNode.Binding("PLAIN", BindingKind.Plain, "p"), ComputeNode.Binding("SECRET", BindingKind.Secret, "s"), ComputeNode.Binding("SETTINGS", BindingKind.Json, new { deep = new[] { 1, 2 } })],
            more: [new("lib/words.txt", ModuleKind.Text, "words"u8.ToArray()), new("src/data.json", ModuleKind.Json, "{\"n\":7}"u8.ToArray()), new("lib/add.js", ModuleKind.EsModule, "export const add = (a, b) => a + b;"u8.ToArray())]);
        var answer = await node.GetAsync(key, "/a%20b?c=d");
        answer.ShouldBe(new Answer(200, """["words",7,3,"p","s",2,"http://zone.example/a%20b?c=d"]""", null, null));
        var info = node.Info();
        (info.State, info.Workers, info.Restarts, info.Tier).ShouldBe((ComputeServerState.Up, 1, 0, WorkerTier.Shared));
        info.RssBytes.ShouldBeGreaterThan(1 << 20);
    }

    [Fact]
    public async Task Many_workers_share_one_process_and_each_keeps_its_own_state()
    {
        await using var node = await ComputeNode.StartAsync();
        var keys = Enumerable.Range(1, 20).Select(n => node.Deploy(n, $"let n = {n * 100}; export default {{ fetch() {{ return new Response(String(n++)); }} }};")).ToList();
        for (var round = 0; round < 2; round++)
            foreach (var key in keys) (await node.GetAsync(key)).Body.ShouldBe((key.Serial * 100 + round).ToString(System.Globalization.CultureInfo.InvariantCulture));
        node.Servers.List().ShouldHaveSingleItem().Workers.ShouldBe(20);
    }

    [Fact]
    public async Task Two_versions_of_a_worker_run_side_by_side_and_an_evicted_one_starts_anew()
    {
        await using var node = await ComputeNode.StartAsync();
        var first = node.Deploy(1, Counter);
        (await node.GetAsync(first)).Body.ShouldBe("1");
        var second = node.Deploy(1, Hello, version: 2);
        (await node.GetAsync(second)).Body.ShouldBe("hello");
        (await node.GetAsync(first)).Body.ShouldBe("2");
        await node.Servers.EvictAsync(first, default);
        (await node.GetAsync(first)).Body.ShouldBe("1");
        node.Info().Restarts.ShouldBe(0);
    }

    [Fact]
    public async Task Running_and_loaded_before_go_on_while_the_store_is_away()
    {
        await using var node = await ComputeNode.StartAsync();
        var running = node.Deploy(1, Counter);
        var never = node.Deploy(2, Hello);
        (await node.GetAsync(running)).Body.ShouldBe("1");
        node.StoreAway = true;
        (await node.GetAsync(running)).Body.ShouldBe("2");
        var pid = node.Info().Pid!.Value;
        System.Diagnostics.Process.GetProcessById(pid).Kill();
        await ComputeNode.Until(() => node.Info() is { State: ComputeServerState.Up } info && info.Pid != pid, "the shard is back");
        (await node.GetAsync(running)).Body.ShouldBe("1"); // from the node's own memory
        var refused = await node.GetAsync(never);
        (refused.Status, refused.Outcome).ShouldBe((503, "load"));
        refused.Error!.ShouldContain("cannot be read");
        node.StoreAway = false;
        await ComputeNode.Until(() => node.GetAsync(never).Result.Status == 200, "a failed load is tried again");
    }

    [Fact]
    public async Task Code_that_was_changed_in_the_store_is_not_loaded()
    {
        await using var node = await ComputeNode.StartAsync();
        var key = node.Deploy(1, Hello);
        node.Damage(key);
        var answer = await node.GetAsync(key);
        (answer.Status, answer.Outcome).ShouldBe((503, "load"));
        answer.Error!.ShouldContain("does not make the digest");
    }

    [Fact]
    public async Task What_a_worker_throws_is_told_to_the_front_and_hurts_nobody()
    {
        await using var node = await ComputeNode.StartAsync();
        var bad = node.Deploy(1, "export default { fetch() { throw new TypeError('böse'); } };");
        var good = node.Deploy(2, Hello);
        var wrong = node.Deploy(3, "export default { fetch( {");
        var answer = await node.GetAsync(bad);
        (answer.Status, answer.Outcome, answer.Error, answer.Body).ShouldBe((500, "exception", "böse", "The worker failed.\n"));
        (await node.GetAsync(good)).Body.ShouldBe("hello");
        answer = await node.GetAsync(wrong);
        (answer.Status, answer.Outcome).ShouldBe((503, "load"));
        answer.Error!.ShouldContain("SyntaxError");
    }

    [Fact]
    public async Task A_worker_that_pretends_to_be_evicted_is_believed_no_word_of_it()
    {
        await using var node = await ComputeNode.StartAsync();
        var liar = node.Deploy(1, "let n = 0; export default { fetch() { if (++n < 4) throw new Error('evicted by the host'); return new Response(String(n)); } };");
        for (var i = 0; i < 3; i++) (await node.GetAsync(liar)).Outcome.ShouldBe("exception");
        (await node.GetAsync(liar)).Body.ShouldBe("4"); // the same isolate all the time
    }

    [Fact]
    public async Task A_worker_in_a_cordon_has_a_process_of_its_own_until_it_comes_back()
    {
        await using var node = await ComputeNode.StartAsync();
        var good = node.Deploy(1, Hello);
        var other = node.Deploy(2, Counter, tier: WorkerTier.Cordon);
        (await node.GetAsync(good)).Status.ShouldBe(200);
        (await node.GetAsync(other)).Body.ShouldBe("1");
        var cordon = node.Info("c2");
        (cordon.Tier, cordon.Serial, cordon.Workers).ShouldBe((WorkerTier.Cordon, 2, 1));
        cordon.Pid.ShouldNotBe(node.Info().Pid);
        node.Move(1, WorkerTier.Cordon);
        (await node.GetAsync(good)).Body.ShouldBe("hello");
        await ComputeNode.Until(() => node.Info().Workers == 0, "its isolate has left the shared shard");
        node.Move(2, WorkerTier.Off);
        await ComputeNode.Until(() => node.Servers.List().All(s => s.Id != "c2"), "the cordon of a worker that is off ends");
        Should.Throw<InvalidOperationException>(() => node.ServerOf(other));
    }

    [Fact]
    public async Task Events_of_a_watched_request_reach_the_host()
    {
        await using var node = await ComputeNode.StartAsync();
        var key = node.Deploy(1, "export default { fetch() { console.log('one', { two: 2 }); console.error('three'); return new Response('ok', { status: 201 }); } };");
        (await node.GetAsync(key)).Status.ShouldBe(201);
        (await node.GetAsync(key, "/seen", r =>
        {
            r.Headers.Remove("x-quarterdeck-worker");
            r.Headers.TryAddWithoutValidation("x-quarterdeck-worker", key + "+tail");
        })).Status.ShouldBe(201);
        await ComputeNode.Until(() => !node.Events.IsEmpty, "events arrive");
        var (of, json) = node.Events.ShouldHaveSingleItem();
        of.ShouldBe(key);
        var run = System.Text.Json.JsonDocument.Parse(json).RootElement[0];
        run.GetProperty("outcome").GetString().ShouldBe("ok");
        run.GetProperty("event").GetProperty("request").GetProperty("url").GetString().ShouldBe("http://zone.example/seen");
        run.GetProperty("logs")[0].GetProperty("message")[0].GetString().ShouldBe("one");
        run.GetProperty("logs")[1].GetProperty("level").GetString().ShouldBe("error");
    }

    [Fact]
    public async Task Scheduled_events_run_and_tell_how_they_ended()
    {
        await using var node = await ComputeNode.StartAsync();
        var key = node.Deploy(1, "let seen = ''; export default { fetch() { return new Response(seen); }, scheduled(event) { if (event.cron === 'bad') throw new Error('no'); seen = event.cron + event.scheduledTime; } };");
        var worker = node.Table.Current.Workers[1];
        (await node.Servers.ScheduledAsync(worker, key, "* * * * *", DateTimeOffset.FromUnixTimeMilliseconds(1234), default)).ShouldBe("ok");
        (await node.GetAsync(key)).Body.ShouldBe("* * * * *1234");
        (await node.Servers.ScheduledAsync(worker, key, "bad", DateTimeOffset.UnixEpoch, default)).ShouldBe("exception");
    }

    [Fact]
    public async Task Nothing_but_a_key_names_a_worker()
    {
        await using var node = await ComputeNode.StartAsync();
        var key = node.Deploy(1, Hello);
        foreach (var wrong in (string[])["", "1", "@1", "1@1~1", "../1@1", "1@1+tail+tail", "2@1 1@1"])
        {
            await node.ServerOf(key).ReadyAsync(default);
            using var http = new HttpMessageInvoker(Quarterdeck.Workers.Runtime.UnixHttp.Handler(node.ServerOf(key).SocketPath));
            using var request = new HttpRequestMessage(HttpMethod.Get, "http://zone.example/");
            request.Headers.TryAddWithoutValidation("x-quarterdeck-worker", wrong);
            (await http.SendAsync(request, default)).StatusCode.ShouldBe(System.Net.HttpStatusCode.NotFound, wrong);
        }
        (await node.GetAsync(new WorkerKey(1, 9))).Outcome.ShouldBe("load"); // no such version
    }
}
