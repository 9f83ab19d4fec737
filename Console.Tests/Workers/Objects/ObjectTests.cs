using System.Text.Json.Nodes;
using Quarterdeck.Tests.Workers.Hostile;

namespace Quarterdeck.Tests.Workers.Objects;

/// <summary>Durable objects in real workerd, asked through the front.</summary>
public sealed class ObjectTests
{
    [Fact]
    public async Task Objects_answer_calls_and_requests_and_remember_what_they_stored_when_their_process_is_killed()
    {
        await using var stack = await HostileStack.StartAsync();
        (await stack.DeployAsync("counter", ObjectLab.Version("one"), ObjectLab.Metadata())).ShouldBeNull();
        (await stack.AskAsync("/a/add")).ShouldBe("""{"stored":1,"memory":1,"clicks":1,"version":"one"}""");
        (await stack.AskAsync("/a/add")).ShouldBe("""{"stored":2,"memory":2,"clicks":2,"version":"one"}""");
        (await stack.AskAsync("/b/add")).ShouldBe("""{"stored":1,"memory":1,"clicks":1,"version":"one"}""");
        var who = JsonNode.Parse(await stack.AskAsync("/a/who"))!;
        who["name"]!.GetValue<string>().ShouldBe("a");
        who["props"]!.GetValue<string>().ShouldBe("{}");
        who["env"]!.ToJsonString().ShouldBe("""["COUNTERS"]""");
        (await stack.AskAsync("/a/back")).ShouldBe("\"hello object!\"");
        (await stack.AskAsync("/a/hand")).ShouldBe("4");
        (await stack.AskAsync("/a/version")).ShouldBe("\"one\"");
        (await stack.AskAsync("/a/fail")).ShouldBe("\"RangeError: no such thing\"");
        (await stack.AskAsync("/a/fetch?x=1")).ShouldBe("203 GET http://counter.test/a/fetch?x=1 ");
        (await stack.AskAsync("/a/both?a=[false]")).ShouldBe("1");
        (await stack.AskAsync("/a/both?a=[true]")).ShouldBe("1");
        (await stack.AskAsync("/a/ids")).ShouldBe("""[true,true,false,"a",true,true,"TypeError: Invalid Durable Object ID: not an ID of this namespace","TypeError: Invalid Durable Object ID: must be 64 hex digits","TypeError: get() takes an ID of this namespace.","a",true]""");

        using (var socket = await stack.SocketAsync("/room/fetch"))
        {
            await ObjectLab.SayAsync(socket, "hi");
            (await ObjectLab.HearAsync(socket)).ShouldBe("hi 1");
        }

        // Its own process has them, not the shard; both die by SIGKILL.
        var keeper = stack.Keeper();
        keeper.Pid.ShouldNotBe(stack.Shard.Pid);
        Kill(keeper.Pid!.Value);
        Kill(stack.Shard.Pid!.Value);
        await Eventually.Is(async () => await stack.AskAsync("/a/add") == """{"stored":3,"memory":1,"clicks":3,"version":"one"}""", "the object has what it stored");
        (await stack.AskAsync("/b/add")).ShouldBe("""{"stored":2,"memory":1,"clicks":2,"version":"one"}""");
    }

    [Fact]
    public async Task A_new_version_takes_an_object_over_between_two_calls_and_its_alarms_outlive_the_process()
    {
        await using var stack = await HostileStack.StartAsync();
        (await stack.DeployAsync("counter", ObjectLab.Version("one"), ObjectLab.Metadata())).ShouldBeNull();
        (await stack.AskAsync("/a/add")).ShouldBe("""{"stored":1,"memory":1,"clicks":1,"version":"one"}""");
        var slow = stack.AskAsync("/a/slow?a=[1500]");
        await Eventually.Is(async () => await stack.AskAsync("/a/isBusy") == "true", "the slow call is under way");
        (await stack.DeployAsync("counter", ObjectLab.Version("two"), ObjectLab.Metadata())).ShouldBeNull();
        await Eventually.Is(async () => await stack.AskAsync("/a/version") == "\"two\"", "the object runs the new version");
        (await slow).ShouldBe("\"one\"");
        (await stack.AskAsync("/a/add")).ShouldBe("""{"stored":2,"memory":1,"clicks":2,"version":"two"}""");

        (await stack.AskAsync("/a/wake?a=[1]")).ShouldBeOneOf("true", "false");
        await Eventually.Is(async () => await stack.AskAsync("/a/woken_") == """["0 false"]""", "the alarm rang");
        (await stack.AskAsync("/b/sleepless")).ShouldBeOneOf("true", "false");
        await Eventually.Is(async () => await stack.AskAsync("/b/woken_") == """["0 false","1 true"]""", "an alarm that failed rang again");
        // Due while the process is dead.
        (await stack.AskAsync("/c/wake?a=[1500]")).ShouldBe("true");
        Kill(stack.Keeper().Pid!.Value);
        await Eventually.Is(async () => await stack.AskAsync("/c/woken_") is """["0 false"]""", "the alarm rang after the process was killed");
    }

    [Fact]
    public async Task A_loop_in_one_object_ends_and_leaves_the_others_and_the_shard_alone()
    {
        await using var stack = await HostileStack.StartAsync();
        (await stack.DeployAsync("counter", ObjectLab.Version("one"), ObjectLab.Metadata())).ShouldBeNull();
        (await stack.DeployAsync("other", WorkersRoom.Hello)).ShouldBeNull();
        (await stack.AskAsync("/a/add")).ShouldContain("\"stored\":1");
        (await stack.AskAsync("/b/add")).ShouldContain("\"stored\":1");
        var shard = stack.Shard.Pid;
        (await stack.AskAsync("/a/spin")).ShouldNotContain("stored");
        await Eventually.Is(async () => (await stack.AskAsync("/a/add")).Contains("\"stored\":2", StringComparison.Ordinal), "the object answers again");
        (await stack.AskAsync("/b/add")).ShouldContain("\"stored\":2");
        (await stack.AskAsync("/", "other.test")).ShouldBe("hello");
        stack.Shard.Pid.ShouldBe(shard);
    }

    [Fact]
    public async Task Objects_stay_the_same_while_their_worker_moves_between_shard_and_cordon_and_go_with_it()
    {
        await using var stack = await HostileStack.StartAsync();
        (await stack.DeployAsync("counter", ObjectLab.Version("one"), ObjectLab.Metadata())).ShouldBeNull();
        (await stack.AskAsync("/a/add")).ShouldContain("\"stored\":1,\"memory\":1");
        var keeper = stack.Keeper();
        (await stack.Registry.TrustAsync(WorkersRoom.Admin, "counter", false, default)).Problem.ShouldBeNull();
        await Eventually.Is(() => stack.Table.Current.ByName("counter")!.Tier is Quarterdeck.Workers.WorkerTier.Cordon, "the worker is in a cordon");
        (await stack.AskAsync("/a/add")).ShouldContain("\"stored\":2,\"memory\":2");
        stack.Keeper().Pid.ShouldBe(keeper.Pid);

        var folder = stack.Get<Quarterdeck.Workers.Objects.ObjectFleet>().FolderOf(keeper.Serial!.Value);
        Directory.Exists(folder).ShouldBeTrue();
        (await stack.Registry.DeleteAsync(WorkersRoom.Admin, "counter", default)).Problem.ShouldBeNull();
        await Eventually.Is(() => !Directory.Exists(folder) && stack.Servers.All(s => s.Serial != keeper.Serial), "the objects went with the worker");
    }

    [Fact]
    public async Task Another_worker_calls_the_objects_of_a_class_it_does_not_export_and_people_see_and_delete_them()
    {
        await using var stack = await HostileStack.StartAsync(settings: new() { ["Quarterdeck:Workers:Objects:ObjectMiB"] = "8" });
        (await stack.DeployAsync("counter", ObjectLab.Version("one"), ObjectLab.Metadata())).ShouldBeNull();
        (await stack.DeployAsync("desk", "export default { async fetch(request, env) { return Response.json(await env.C.getByName('a').add()); } };",
            ObjectLab.Metadata(new { C = new { type = "durable_object", @class = "Counter", worker = "counter" } }))).ShouldBeNull();
        (await stack.DeployAsync("lonely", "export default { fetch() { } };", ObjectLab.Metadata())).ShouldNotBeNull().Errors.Single().Message.ShouldContain("needs the class 'Counter'");
        (await stack.AskAsync("/a/add")).ShouldContain("\"stored\":1,\"memory\":1");
        (await stack.AskAsync("/", "desk.test")).ShouldContain("\"stored\":2,\"memory\":2");
        (await stack.AskAsync("/b/wake?a=[600000]")).ShouldBe("true");

        var objects = stack.Get<Quarterdeck.Workers.WorkerObjects>();
        var report = (await objects.GetAsync(WorkersRoom.Viewer, "counter", default)).Value;
        report.Classes.Select(c => (c.Class, c.Objects, c.Alarms)).ShouldBe([("Counter", 2, 1)]);
        report.Bytes!.Value.ShouldBeGreaterThan(10_000);
        (await objects.GetAsync(WorkersRoom.Viewer, "desk", default)).Value.Classes.ShouldBeEmpty();
        var first = (await objects.ListAsync(WorkersRoom.Viewer, "counter", "Counter", null, 1, default)).Value;
        var rest = (await objects.ListAsync(WorkersRoom.Viewer, "counter", "Counter", first.Next, 100, default)).Value;
        rest.Next.ShouldBeNull();
        first.Items.Concat(rest.Items).Select(o => (o.Name, o.AlarmAt is not null)).ShouldBe([("a", false), ("b", true)], ignoreOrder: true);
        first.Items[0].Bytes!.Value.ShouldBeGreaterThan(4000);

        // One object may grow to its limit, and lives on when a write is refused.
        (await stack.AskAsync("/big/fill?a=[3]")).ShouldContain("3");
        (await stack.AskAsync("/big/fill?a=[40]")).ShouldNotBe("40");
        await Eventually.Is(async () => (await stack.AskAsync("/a/add")).Contains("\"stored\":3", StringComparison.Ordinal), "the others go on");

        var a = first.Items.Concat(rest.Items).Single(o => o.Name == "a");
        (await objects.DeleteAsync(WorkersRoom.Operator, "counter", "Counter", a.Id, default)).Problem!.Kind.ShouldBe(Quarterdeck.Platform.ProblemKind.Forbidden);
        (await objects.DeleteAsync(WorkersRoom.Admin, "counter", "Counter", a.Id, default)).Problem.ShouldBeNull();
        (await objects.DeleteAsync(WorkersRoom.Admin, "counter", "Counter", a.Id, default)).Problem!.Kind.ShouldBe(Quarterdeck.Platform.ProblemKind.NotFound);
        (await stack.AskAsync("/a/add")).ShouldBe("""{"stored":1,"memory":1,"clicks":1,"version":"one"}""");
    }

    private static void Kill(int pid) => System.Diagnostics.Process.GetProcessById(pid).Kill();
}
