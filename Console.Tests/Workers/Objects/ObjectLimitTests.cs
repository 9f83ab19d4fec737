using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Workers.Hostile;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Objects;

namespace Quarterdeck.Tests.Workers.Objects;

/// <summary>How much durable objects may store, in real workerd.</summary>
public sealed class ObjectLimitTests
{
    [Fact]
    public async Task A_worker_whose_objects_are_full_stores_no_more_loses_nothing_and_goes_on_when_one_is_deleted()
    {
        var clock = new HandTime(null, stamps: true);
        await using var stack = await HostileStack.StartAsync(settings: new() { ["Quarterdeck:Workers:Objects:WorkerMiB"] = "3" }, time: clock);
        (await stack.DeployAsync("counter", ObjectLab.Version("one"), ObjectLab.Metadata())).ShouldBeNull();
        (await stack.AskAsync("/b/add")).ShouldContain("\"stored\":1");
        (await stack.AskAsync("/a/fill?a=[4]")).ShouldContain("4");
        clock.Forward(TimeSpan.FromSeconds(6)); // it is measured every five
        const string full = " MiB, 3 are allowed: no object can be made, and none can store more. Delete some, or ask an administrator for more.";
        await Eventually.Is(async () => (await stack.AskAsync("/b/note?a=[\"full\"]")).Contains(full, StringComparison.Ordinal), "what is there stores no more");
        (await stack.AskAsync("/c/add")).ShouldContain(full);
        (await stack.AskAsync("/b/add")).ShouldContain(full);
        // Looking, and what is stored, are untouched.
        (await stack.AskAsync("/a/parts")).ShouldBe("4");
        var objects = stack.Get<WorkerObjects>();
        var report = (await objects.GetAsync(WorkersRoom.Viewer, "counter", default)).Value;
        report.MostBytes.ShouldBe(3 << 20);
        report.Bytes!.Value.ShouldBeGreaterThan(4 << 20);
        report.Classes.Single().Objects.ShouldBe(2);

        var big = (await objects.ListAsync(WorkersRoom.Viewer, "counter", "Counter", null, 100, default)).Value.Items.Single(o => o.Name == "a");
        (await objects.DeleteAsync(WorkersRoom.Admin, "counter", "Counter", big.Id, default)).Problem.ShouldBeNull();
        clock.Forward(TimeSpan.FromSeconds(6));
        await Eventually.Is(async () => (await stack.AskAsync("/c/add")).Contains("\"stored\":1", StringComparison.Ordinal), "objects are made again");
        await Eventually.Is(async () => (await stack.AskAsync("/b/add")).Contains("\"stored\":2", StringComparison.Ordinal), "what was there stores again");
    }

    [Fact]
    public async Task An_object_that_is_full_says_so_keeps_what_it_has_and_goes_on_when_it_deletes()
    {
        await using var stack = await HostileStack.StartAsync(settings: new() { ["Quarterdeck:Workers:Objects:ObjectMiB"] = "4" });
        (await stack.DeployAsync("counter", ObjectLab.Version("one"), ObjectLab.Metadata())).ShouldBeNull();
        const string full = "\"Error: This durable object has 4 MiB, 4 MiB are allowed: it can store no more. Delete some of it, or ask an administrator for more.\"";
        (await stack.AskAsync("/a/fill?a=[9]")).ShouldBe(full);
        var parts = int.Parse(await stack.AskAsync("/a/parts"));
        parts.ShouldBeInRange(3, 5);
        (await stack.AskAsync("/a/add")).ShouldBe(full);
        (await stack.AskAsync("/a/note?a=[\"full\"]")).ShouldBe(full);
        (await stack.AskAsync("/a/parts")).ShouldBe($"{parts}");
        (await stack.AskAsync("/a/notes")).ShouldBe("[[],[]]");
        (await stack.AskAsync("/b/add")).ShouldContain("\"stored\":1");
        (await stack.AskAsync("/a/drop")).ShouldBe("true");
        (await stack.AskAsync("/a/add")).ShouldContain("\"stored\":1");
        (await stack.AskAsync("/a/fill?a=[2]")).ShouldBe("3"); // with the count
    }

    [Fact, Trait("Category", "Long")]
    public async Task Who_goes_round_the_limit_of_an_object_meets_the_disk_and_nobody_else_loses_anything()
    {
        await using var stack = await HostileStack.StartAsync(settings: new() { ["Quarterdeck:Workers:Objects:ObjectMiB"] = "4" });
        (await stack.DeployAsync("counter", ObjectLab.Version("one"), ObjectLab.Metadata())).ShouldBeNull();
        (await stack.AskAsync("/b/add")).ShouldContain("\"stored\":1");
        // The methods that the runtime itself has know no limit of ours, but a file cannot grow beyond its own.
        (await stack.AskAsync("/c/goRound?a=[200]")).ShouldNotBe("200");
        var files = Directory.GetFiles(stack.Get<ObjectFleet>().FolderOf(stack.Keeper().Serial!.Value), "*", SearchOption.AllDirectories);
        files.Max(f => new FileInfo(f).Length).ShouldBeInRange(20L << 20, (4L + 64) << 20);
        await Eventually.Is(async () => (await stack.AskAsync("/b/add")).Contains("\"stored\":2", StringComparison.Ordinal), "another object stores");
        await Eventually.Is(async () => await stack.AskAsync("/c/clear") == "0", "it deletes all that it has");
        (await stack.AskAsync("/c/fill?a=[1]")).ShouldBe("1");
    }
}
