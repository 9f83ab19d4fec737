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

        // Its own process has them, not the shard; both die by SIGKILL.
        var keeper = stack.Keeper();
        keeper.Pid.ShouldNotBe(stack.Shard.Pid);
        Kill(keeper.Pid!.Value);
        Kill(stack.Shard.Pid!.Value);
        await Eventually.Is(async () => await stack.AskAsync("/a/add") == """{"stored":3,"memory":1,"clicks":3,"version":"one"}""", "the object has what it stored");
        (await stack.AskAsync("/b/add")).ShouldBe("""{"stored":2,"memory":1,"clicks":2,"version":"one"}""");
    }

    private static void Kill(int pid) => System.Diagnostics.Process.GetProcessById(pid).Kill();
}
