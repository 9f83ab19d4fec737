using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Database;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Workers.Runtime;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Bindings.Crons;

namespace Quarterdeck.Tests.Workers.Bindings;

/// <summary>Cron triggers: each due time once over nodes, in real workerd.</summary>
public sealed class CronTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    [Theory, DatabaseData]
    public async Task A_due_time_is_taken_by_one_node_and_what_a_dead_one_left_by_another(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        (await room.Registry.UploadAsync(WorkersRoom.Admin, "tick", WorkersRoom.Upload(WorkersRoom.Hello, new WorkerMetadata { MainModule = "index.js", CompatibilityDate = "2026-01-01" }), true, None)).Ok.ShouldBeTrue();
        var key = new WorkerKey(room.Table.Current.ByName("tick")!.Serial, 1);
        var time = new HandTime(Noon);
        var store = new CronStore(room.Db, time);
        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => store.TakeAsync(key, "* * * * *", Noon, $"node{n}", None)));
        taken.Count(t => t).ShouldBe(1);
        (await store.TakeAsync(key, "*/5 * * * *", Noon, "node1", None)).ShouldBeTrue();
        (await store.TakeAsync(key with { Serial = 999 }, "* * * * *", Noon, "node1", None)).ShouldBeFalse("the worker is gone");
        await store.EndAsync(key.Serial, "*/5 * * * *", Noon, "ok", None);
        (await store.TakeLeftAsync(Noon, "node9", None)).ShouldBeNull();
        time.Forward(TimeSpan.FromMinutes(20));
        (await store.TakeLeftAsync(Noon.AddMinutes(1), "node9", None)).ShouldNotBeNull().Cron.ShouldBe("* * * * *");
        (await store.TakeLeftAsync(Noon.AddMinutes(1), "node8", None)).ShouldBeNull("it has just been taken");
        (await store.NewestAsync(key.Serial, 10, None)).Select(r => (r.Cron, r.Node, r.Outcome)).ShouldBe([("* * * * *", "node9", null), ("*/5 * * * *", "node1", "ok")]);
        time.Forward(CronStore.Kept);
        await store.SweepAsync(None);
        (await store.NewestAsync(key.Serial, 10, None)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Two_nodes_call_scheduled_once_for_each_due_time_and_say_how_it_ended()
    {
        await using var room = await WorkersRoom.OpenAsync(DatabaseEngine.Sqlite);
        (await room.Registry.UploadAsync(WorkersRoom.Admin, "tick", WorkersRoom.Upload(WorkersRoom.Hello, new WorkerMetadata { MainModule = "index.js", CompatibilityDate = "2026-01-01" }), true, None)).Ok.ShouldBeTrue();
        var serial = room.Table.Current.ByName("tick")!.Serial;
        await using var node = await ComputeNode.StartAsync();
        var key = node.Deploy(serial, """
            const calls = [];
            export default {
              fetch() { return Response.json(calls); },
              async scheduled(event, env, ctx) { calls.push([event.cron, event.scheduledTime]); if (event.cron === "0 12 * * *") throw new Error("no"); },
            };
            """);
        var table = new WorkerTable();
        var deployed = new DeployedWorker(serial, "tick", WorkerTier.Shared, [new DeployedVersion(key, key.ToString(), 100, WorkerLimits.Usual, null, new WorkerTriggers(["* * * * *", "0 12 * * *", "0 0 30 2 *"], []))], null, null, 1, Noon);
        table.Swap(new WorkerTableSnapshot(1, new Dictionary<long, DeployedWorker> { [serial] = deployed }, new Dictionary<string, TableZone>()), e => throw e);
        var store = new CronStore(room.Db, new HandTime(Noon));
        using CronClock one = new(table, store, () => node.Servers, TimeProvider.System, NullLogger<CronClock>.Instance), two = new(table, store, () => node.Servers, TimeProvider.System, NullLogger<CronClock>.Instance);
        await Task.WhenAll(one.LookAsync(Noon.AddMinutes(-3), Noon, None), two.LookAsync(Noon.AddMinutes(-3), Noon, None));
        await ComputeNode.Until(() => store.NewestAsync(serial, 10, None).Result is { Count: 4 } runs && runs.All(r => r.EndedAt is not null), "all calls have ended");
        (await store.NewestAsync(serial, 10, None)).Select(r => (r.Cron, r.DueAt.Minute, r.Outcome)).ShouldBe([("* * * * *", 0, "ok"), ("0 12 * * *", 0, "exception"), ("* * * * *", 59, "ok"), ("* * * * *", 58, "ok")]);
        var calls = System.Text.Json.JsonDocument.Parse((await node.GetAsync(key)).Body).RootElement.EnumerateArray().Select(c => c.ToString()).ToList();
        calls.Count.ShouldBe(4);
        calls.ShouldContain($"""["* * * * *",{Noon.ToUnixTimeMilliseconds()}]""");
    }
}
