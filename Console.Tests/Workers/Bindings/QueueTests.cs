using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Quarterdeck.Database;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Workers.Runtime;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Bindings.Queues;

namespace Quarterdeck.Tests.Workers.Bindings;

/// <summary>Queues as workers see them, in real workerd; two pumps stand for two nodes.</summary>
public sealed class QueueTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private sealed record Rig(TestDatabase Database, ComputeNode Node, MessageStore Messages, QueueStore Queues, QueueSender Sender, QueuePump[] Pumps, WorkerTable Table) : IAsyncDisposable
    {
        public void Consume(WorkerKey key, params IReadOnlyList<QueueConsumer> consumers) => Table.Swap(new WorkerTableSnapshot(1, new Dictionary<long, DeployedWorker>
        {
            [key.Serial] = new(key.Serial, $"w{key.Serial}", WorkerTier.Shared, [new DeployedVersion(key, key.ToString(), 100, WorkerLimits.Usual, null, new WorkerTriggers([], consumers))], null, null, 1, DateTimeOffset.UtcNow),
        }, new Dictionary<string, TableZone>()), e => throw e);

        public async Task<JsonElement> AskAsync(WorkerKey key, string path)
        {
            var answer = await Node.GetAsync(key, path);
            answer.Status.ShouldBe(200, answer.ToString());
            return JsonDocument.Parse(answer.Body).RootElement;
        }

        /// <summary>Asks until the answer fits.</summary>
        public async Task<JsonElement> UntilAsync(WorkerKey key, Func<JsonElement, bool> fits)
        {
            var last = default(JsonElement);
            await ComputeNode.Until(() => fits(last = AskAsync(key, "/").Result), "the worker has handled it");
            return last;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var pump in Pumps)
            {
                await pump.StopAsync(None);
                pump.Dispose();
            }
            await Node.DisposeAsync();
            await Database.DisposeAsync();
        }
    }

    private static async Task<Rig> StartAsync(params string[] names)
    {
        var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        var (queues, messages) = (new QueueStore(database.Db, TimeProvider.System), new MessageStore(database.Db, TimeProvider.System));
        foreach (var name in names) await queues.PutAsync(name, new QueueSettings(), _ => Task.CompletedTask, None);
        var sender = new QueueSender(messages, queues, Options.Create(new WorkersOptions()), TimeProvider.System);
        var node = await ComputeNode.StartAsync(bindings: [new QueueBinding(sender, queues)]);
        var table = new WorkerTable();
        var pumps = Enumerable.Range(0, 2).Select(_ => new QueuePump(table, messages, sender, database.Db, () => node.Servers, TimeProvider.System, NullLogger<QueuePump>.Instance)).ToArray();
        foreach (var pump in pumps) await pump.StartAsync(None);
        return new Rig(database, node, messages, queues, sender, pumps, table);
    }

    private static readonly WorkerBinding Jobs = ComputeNode.Binding("Q", BindingKind.Queue, new { queue = "jobs" });

    [Fact]
    public async Task Every_kind_of_body_arrives_as_the_value_that_was_sent()
    {
        await using var rig = await StartAsync("jobs");
        var key = rig.Node.Deploy(1, """
            const seen = [], tell = v => v instanceof Date ? `Date ${v.toISOString()}` : v instanceof Map ? `Map ${JSON.stringify([...v].map(p => p.map(tell)))}` : v instanceof Set ? `Set ${JSON.stringify([...v].map(tell))}`
              : v instanceof RegExp ? `RegExp ${v}` : v instanceof ArrayBuffer ? `ArrayBuffer ${new Uint8Array(v)}` : ArrayBuffer.isView(v) ? `${v.constructor.name} ${v}` : typeof v === "bigint" ? `bigint ${v}` : v === undefined ? "undefined"
              : Object.is(v, -0) ? "-0" : typeof v === "number" && !Number.isFinite(v) ? String(v) : Array.isArray(v) ? v.map(tell) : v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, tell(x)])) : v;
            export default {
              async fetch(request, env) {
                if (new URL(request.url).pathname !== "/send") return Response.json(seen);
                await env.Q.send({ a: [1, -2, 3.5, 1e300, "ü😀\u0000", true, null, {}, []], "$t": "mine", n: 2147483648 });
                await env.Q.send("plain ü😀", { contentType: "text" });
                await env.Q.sendBatch([{ body: new Uint8Array([0, 255, 7]).subarray(1), contentType: "bytes" }, { body: [new Date(5), new Map([["k", new Set([1n, -18446744073709551616n, 0n])]]), /a\/b/gi, undefined, NaN, -0, -Infinity,
                  new Uint16Array([1, 65535]), new Uint8Array([9]).buffer, { "$t": "mine", deep: { x: "é" } }], contentType: "v8" }]);
                return Response.json(await env.Q.metrics());
              },
              async queue(batch, env, ctx) {
                for (const m of batch.messages) seen.push([batch.queue, m.attempts, m.timestamp instanceof Date, m.id.length, tell(m.body)]);
              },
            };
            """, bindings: [Jobs]);
        (await rig.AskAsync(key, "/send")).GetProperty("backlogCount").GetInt32().ShouldBe(4);
        rig.Consume(key, new QueueConsumer("jobs", MaxBatchSize: 4));
        var seen = (await rig.UntilAsync(key, s => s.GetArrayLength() == 4)).EnumerateArray().Select(s => s.GetRawText()).ToList();
        seen.ShouldAllBe(s => s.StartsWith("[\"jobs\",1,true,32,"));
        seen[0].ShouldEndWith("""{"a":[1,-2,3.5,1e+300,"ü😀\u0000",true,null,{},[]],"$t":"mine","n":2147483648}]""");
        seen[1].ShouldEndWith("\"plain ü😀\"]");
        seen[2].ShouldEndWith("\"ArrayBuffer 255,7\"]");
        seen[3].ShouldEndWith("""["Date 1970-01-01T00:00:00.005Z","Map [[\"k\",\"Set [\\\"bigint 1\\\",\\\"bigint -18446744073709551616\\\",\\\"bigint 0\\\"]\"]]","RegExp /a\\/b/gi","undefined","NaN","-0","-Infinity","Uint16Array 1,65535","ArrayBuffer 9",{"$t":"mine","deep":{"x":"é"}}]]""");
        await ComputeNode.Until(() => rig.Queues.FindAsync("jobs", None).Result!.Messages == 0, "what was handled is gone");
    }

    [Fact]
    public async Task Two_nodes_hand_out_five_hundred_messages_once_each_and_a_handler_acks_retries_and_gives_up()
    {
        await using var rig = await StartAsync("jobs", "dead");
        var key = rig.Node.Deploy(1, """
            const handled = {}, dead = [];
            let most = 0, now = 0;
            export default {
              async fetch(request, env) {
                const { pathname } = new URL(request.url);
                if (pathname === "/send") for (let i = 0; i < 500; i += 100) await env.Q.sendBatch(Array.from({ length: 100 }, (_, k) => ({ body: i + k })));
                return Response.json({ handled: Object.keys(handled).length, twice: Object.values(handled).filter(n => n > 1).length, first: handled[0], failed: handled["250"], dead, most });
              },
              async queue(batch) {
                if (batch.queue === "dead") { dead.push(...batch.messages.map(m => m.body)); return; }
                most = Math.max(most, ++now);
                await scheduler.wait(20);
                now--;
                for (const m of batch.messages) {
                  handled[m.body] = (handled[m.body] ?? 0) + 1;
                  if (m.body === 0 && m.attempts < 3) m.retry({ delaySeconds: 0 });
                  else if (m.body !== 250) m.ack();
                }
                if (batch.messages.some(m => m.body === 250)) throw new Error("no");
              },
            };
            """, bindings: [Jobs]);
        rig.Consume(key, new QueueConsumer("jobs", MaxBatchSize: 20, MaxBatchTimeoutSeconds: 1, MaxRetries: 3, DeadLetterQueue: "dead", MaxConcurrency: 4), new QueueConsumer("dead", MaxBatchTimeoutSeconds: 0));
        await rig.AskAsync(key, "/send");
        var end = await rig.UntilAsync(key, s => s.GetProperty("handled").GetInt32() == 500 && s.GetProperty("dead").GetArrayLength() == 1 && s.GetProperty("first").GetInt32() == 3);
        end.GetProperty("twice").GetInt32().ShouldBe(2, "only what was asked for again or failed came again: the handler acknowledged the others of the failed batch by themselves");
        end.GetProperty("failed").GetInt32().ShouldBe(4);
        end.GetProperty("dead")[0].GetInt32().ShouldBe(250);
        end.GetProperty("most").GetInt32().ShouldBeInRange(1, 4);
        await ComputeNode.Until(() => rig.Queues.FindAsync("jobs", None).Result!.Messages == 0, "nothing is left");
    }

    [Fact]
    public async Task Messages_that_a_killed_process_had_come_again_and_none_is_lost()
    {
        await using var rig = await StartAsync("jobs");
        var key = rig.Node.Deploy(1, """
            const seen = [];
            export default {
              async fetch(request, env) { if (new URL(request.url).pathname === "/send") await env.Q.sendBatch([{ body: "a" }, { body: "b" }]); return Response.json(seen); },
              async queue(batch, env) {
                for (const m of batch.messages) seen.push([m.body, m.attempts]);
                if (batch.messages[0].attempts === 1) await scheduler.wait(600000);
              },
            };
            """, bindings: [Jobs]);
        rig.Consume(key, new QueueConsumer("jobs", MaxBatchSize: 2));
        await rig.AskAsync(key, "/send");
        await rig.UntilAsync(key, s => s.GetArrayLength() == 2);
        using (var process = System.Diagnostics.Process.GetProcessById(rig.Node.Info().Pid!.Value)) process.Kill();
        var again = await UntilAnsweredAsync(rig, key);
        again.EnumerateArray().Select(m => m[0].GetString()).ShouldBe(["a", "b"], "a new process has a new memory");
        again.EnumerateArray().ShouldAllBe(m => m[1].GetInt32() >= 2);
        await ComputeNode.Until(() => rig.Queues.FindAsync("jobs", None).Result!.Messages == 0, "they were handled");
    }

    [Fact]
    public async Task A_call_that_is_given_up_handles_nothing_more()
    {
        await using var rig = await StartAsync("jobs");
        var key = rig.Node.Deploy(1, """
            let beats = 0;
            export default { fetch() { return Response.json([beats]); }, async queue() { for (;;) { await scheduler.wait(20); beats++; } } };
            """);
        using var call = new CancellationTokenSource();
        var worker = rig.Node.Table.Current.Workers[1];
        var batch = new MessageBatch("jobs", "lease", [new TakenMessage(Guid.NewGuid(), QueueContent.Json, "1"u8.ToArray(), DateTimeOffset.UtcNow, 1)]);
        var calling = rig.Node.Servers.QueueAsync(worker, key, batch, call.Token);
        async Task<int> BeatsAsync() => (await rig.AskAsync(key, "/"))[0].GetInt32();
        await rig.UntilAsync(key, s => s[0].GetInt32() > 3);
        await call.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => calling);
        // A handler that runs beats ten times between two looks.
        var (last, same) = (await BeatsAsync(), 0);
        for (var i = 0; i < 100 && same < 3; i++)
        {
            await Task.Delay(200);
            var now = await BeatsAsync();
            (last, same) = (now, now == last ? same + 1 : 0);
        }
        same.ShouldBe(3, "the handler still runs");
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_where_it_is_sent()
    {
        await using var rig = await StartAsync("jobs");
        var key = rig.Node.Deploy(1, """
            const t = async f => { try { await f(); return "sent"; } catch (e) { return `${e.name}: ${e.message}`; } };
            export default { async fetch(request, env) {
              const loop = {}; loop.self = loop;
              return Response.json([
                await t(() => env.Q.send("x".repeat(128001), { contentType: "text" })), await t(() => env.Q.sendBatch(Array(101).fill({ body: 1 }))), await t(() => env.Q.sendBatch(Array(3).fill({ body: "x".repeat(100000) }))),
                await t(() => env.Q.send(1, { delaySeconds: 86401 })), await t(() => env.Q.send(undefined)), await t(() => env.Q.send(() => 1, { contentType: "v8" })), await t(() => env.Q.send(loop, { contentType: "v8" })),
                await t(() => env.Q.send("\ud800")), await t(() => env.Q.send(1, { contentType: "xml" })), await t(() => env.Q.sendBatch([])), await t(() => env.GONE.send(1)), Object.keys(env.Q),
              ]);
            } };
            """, bindings: [Jobs, ComputeNode.Binding("GONE", BindingKind.Queue, new { queue = "gone" })]);
        var said = (await rig.AskAsync(key, "/")).EnumerateArray().Select(s => s.ToString()).ToList();
        string[] expected = ["128001 bytes, 128000 are allowed", "There are 101", "bytes together", "delaySeconds 86401", "no value in JSON", "a function cannot be cloned", "the body holds itself", "no JSON", "no content type \"xml\"", "There are 0", "The queue 'gone' was deleted.", "[]"];
        for (var i = 0; i < expected.Length; i++) said[i].ShouldContain(expected[i]);
        (await rig.Queues.FindAsync("jobs", None)).ShouldNotBeNull().Messages.ShouldBe(0);
    }

    private static async Task<JsonElement> UntilAnsweredAsync(Rig rig, WorkerKey key)
    {
        var last = default(JsonElement);
        await ComputeNode.Until(() =>
        {
            var answer = rig.Node.TryAsync(key).Result;
            if (answer.Status != 200) return false;
            last = JsonDocument.Parse(answer.Body).RootElement;
            return last.GetArrayLength() == 2;
        }, "the messages were handed out again");
        return last;
    }
}
