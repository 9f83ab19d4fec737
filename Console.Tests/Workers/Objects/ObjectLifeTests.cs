using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Workers.Hostile;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Objects;

namespace Quarterdeck.Tests.Workers.Objects;

/// <summary>When processes of objects rest and wake, and what migrations make of their storage, in real workerd. The console's clock is moved; the runtime's is real.</summary>
public sealed class ObjectLifeTests
{
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(6);

    [Fact]
    public async Task A_process_that_nobody_calls_rests_with_its_data_and_a_call_or_an_alarm_wakes_it_but_an_open_socket_keeps_it_awake()
    {
        var clock = new HandTime(null, stamps: true);
        await using var stack = await HostileStack.StartAsync(settings: new() { ["Quarterdeck:Workers:Servers:CordonIdleMinutes"] = "1" }, time: clock);
        foreach (var name in (string[])["counter", "chat"]) (await stack.DeployAsync(name, ObjectLab.Version("one"), ObjectLab.Metadata())).ShouldBeNull();
        using var socket = await stack.SocketAsync("/room/fetch", "chat.test");
        await ObjectLab.SayAsync(socket, "hi");
        (await ObjectLab.HearAsync(socket)).ShouldBe("hi 1");
        var chat = Of(stack, "chat")!.Pid;
        (await stack.AskAsync("/a/add")).ShouldContain("\"stored\":1,\"memory\":1");

        await RestsAsync(stack, clock);
        (await stack.AskAsync("/a/add")).ShouldContain("\"stored\":2,\"memory\":1");
        // Not due for the runtime yet, so that nothing but the console's own note can wake it.
        (await stack.AskAsync("/a/wake?a=[6000000]")).ShouldBe("true");
        await RestsAsync(stack, clock);
        clock.Forward(TimeSpan.FromMinutes(100));
        await Eventually.Is(() => Of(stack, "counter") is not null, "the process runs for its alarm");
        (await stack.AskAsync("/a/add")).ShouldContain("\"stored\":3,\"memory\":1");
        // Between the two rests a whole turn has looked at the other one, too.
        Of(stack, "chat")!.Pid.ShouldBe(chat);
        await ObjectLab.SayAsync(socket, "again");
        (await ObjectLab.HearAsync(socket)).ShouldBe("again 1");
    }

    [Fact]
    public async Task A_renamed_class_keeps_its_objects_and_a_deleted_one_leaves_nothing_of_what_it_stored_and_begins_anew()
    {
        var clock = new HandTime(null, stamps: true);
        await using var stack = await HostileStack.StartAsync(time: clock);
        (await stack.DeployAsync("counter", ObjectLab.Version("one"), ObjectLab.Metadata())).ShouldBeNull();
        foreach (var name in (string[])["a", "a", "b"]) (await stack.AskAsync($"/{name}/add")).ShouldContain("stored");
        var who = await stack.AskAsync("/a/who");
        var folder = stack.Get<ObjectFleet>().FolderOf(stack.Keeper().Serial!.Value);
        ObjectFiles.ByObject(folder).Count.ShouldBe(2);

        ObjectMigration renamed = new("v1", RenamedClasses: [new ClassRename("Counter", "Clicker")]);
        (await stack.DeployAsync("counter", ObjectLab.Version("two").Replace("class Counter", "class Clicker", StringComparison.Ordinal),
            ObjectLab.Metadata(new { COUNTERS = new { type = "durable_object", @class = "Clicker" } }) with { Migrations = [renamed] })).ShouldBeNull();
        await Eventually.Is(async () => await stack.AskAsync("/a/version") == "\"two\"", "the renamed class runs");
        (await stack.AskAsync("/a/add")).ShouldBe("""{"stored":3,"memory":1,"clicks":3,"version":"two"}""");
        (await stack.AskAsync("/b/add")).ShouldContain("\"stored\":2,");
        (await stack.AskAsync("/a/who")).ShouldBe(who);
        foreach (var name in (string[])["a", "b"]) (await stack.AskAsync($"/{name}/note?a=[\"stored in a and b\"]")).ShouldContain("stored");
        ObjectFiles.ByObject(folder).Count.ShouldBe(2);

        (await stack.DeployAsync("counter", WorkersRoom.Hello.Replace("hello", "none", StringComparison.Ordinal),
            new WorkerMetadata { MainModule = "main.js", Migrations = [renamed, new("v2", DeletedClasses: ["Clicker"])] })).ShouldBeNull();
        Holds(folder, "stored in a and b").ShouldBeTrue();
        await Eventually.Is(async () =>
        {
            clock.Forward(Turn);
            return (await stack.Get<ObjectStore>().DeletedAsync(stack.Get<StoreLease>().Id, default)).Count == 0;
        }, "the class is forgotten");
        // Of each object an empty database is left.
        Holds(folder, "stored in a and b").ShouldBeFalse();
        ObjectFiles.ByObject(folder).Values.ShouldAllBe(bytes => bytes <= 8 << 10);
        await Eventually.Is(async () => await stack.AskAsync("/") == "none", "the version without objects answers");

        (await stack.DeployAsync("counter", ObjectLab.Version("three"), ObjectLab.Metadata() with { Migrations = [renamed, new("v2", DeletedClasses: ["Clicker"]), new("v3", NewSqliteClasses: ["Counter"])] })).ShouldBeNull();
        await Eventually.Is(async () => (await stack.AskAsync("/a/version")) == "\"three\"", "the class is there again");
        (await stack.AskAsync("/a/add")).ShouldBe("""{"stored":1,"memory":1,"clicks":1,"version":"three"}""");
        (await stack.AskAsync("/a/who")).ShouldNotBe(who);
    }

    private static ComputeServerInfo? Of(HostileStack stack, string worker) => stack.Servers.FirstOrDefault(s => s.Objects && s.Serial == stack.Table.Current.ByName(worker)!.Serial);

    private static bool Holds(string folder, string text) => Directory.GetFiles(Path.Combine(folder, "objects")).Any(file => Read(file).AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(text)) >= 0);

    // The runtime has them open, and may remove one meanwhile.
    private static byte[] Read(string file)
    {
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[stream.Length];
            return bytes[..stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
        }
        catch (FileNotFoundException) { return []; }
    }

    private static async Task RestsAsync(HostileStack stack, HandTime clock)
    {
        var pid = Of(stack, "counter")!.Pid;
        clock.Forward(TimeSpan.FromMinutes(2));
        await Eventually.Is(() =>
        {
            // A turn that was under way meanwhile is followed by another.
            if (Of(stack, "counter") is not null) clock.Forward(Turn);
            return Of(stack, "counter") is null && !Directory.Exists($"/proc/{pid}");
        }, "the process rests");
    }
}
