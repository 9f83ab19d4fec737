using Quarterdeck.Workers.NativeGuard;

namespace Quarterdeck.Tests.Workers.NativeGuard;

/// <summary>Limits are per worker version, and may change while it runs.</summary>
public sealed class GuardLimitTests
{
    private static readonly GuardLimits Standard = new(CpuMs: 100, StartupMs: 400, CpuPercent: 0, HeapMiB: 96, BuffersMiB: 64);

    private static readonly Dictionary<string, Dictionary<string, string>> Workers = new()
    {
        ["loop"] = new() { ["main.js"] = "export default { fetch() { for (;;); } };" },
        ["keeper"] = new() { ["main.js"] = "let kept; export default { fetch() { kept = new Uint8Array(24 << 20).fill(1); return new Response('kept'); } };" },
        ["filler"] = new() { ["main.js"] = """
            let kept = [];
            export default { async fetch(request) {
              if (kept.length === 0) { try { for (;;) kept.push(new Uint8Array(1 << 20)); } catch (error) { return new Response(`${error.name} ${kept.length > 40}`); } }
              return new Response("body " + (await new Response("x".repeat(8 << 20)).arrayBuffer()).byteLength);
            } };
            """ },
        ["churn"] = new() { ["main.js"] = "let last; export default { fetch() { for (let i = 0; i < 500; i++) last = new Uint8Array(1 << 20); return new Response('churned'); } };" },
        ["wide"] = new() { ["main.js"] = "export default { fetch() { const a = []; for (let i = 0; i < 12e5; i++) a.push([i]); return new Response(String(a.length)); } };" },
        ["collecting"] = new() { ["main.js"] = "export default { fetch() { for (;;) { let a = []; for (let i = 0; i < 2e5; i++) a.push({ i }); } } };" },
        // What the runtime makes of requests lies on the heap until all of it is collected; here it is heaped up by hand.
        ["heaped"] = new() { ["main.js"] = """
            let kept = [];
            export default { fetch(request) {
              if (new URL(request.url).pathname === "/keep") for (let i = 0; i < 1000; i++) kept.push(new Headers([["a", "b"]]));
              else { kept = []; for (let i = 0; i < 40; i++) new Uint8Array(1 << 20); }
              return new Response("done");
            } };
            """ },
    };

    [Fact]
    public async Task What_was_heaped_up_before_is_not_the_fault_of_the_turn_in_which_it_is_collected()
    {
        await using var workerd = await GuardedWorkerd.StartAsync(Workers, Standard with { CpuMs = 40 });
        for (var i = 0; i < 120; i++) (await workerd.AskAsync("5@1", "heaped", "/keep")).Body.ShouldBe("done");
        for (var i = 0; i < 3; i++) (await workerd.AskAsync("5@1", "heaped")).Body.ShouldBe("done");
        (await workerd.ReadingAsync("5@1", r => r.Turns > 0)).CpuEnds.ShouldBe(0);
        // and it is no way out of the limit
        (await workerd.AskAsync("6@1", "collecting")).Status.ShouldBe(500);
        (await workerd.ReadingAsync("6@1", r => r.CpuEnds == 1)).LongestTurn.ShouldBeLessThan(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Each_version_has_its_own_limits_whatever_the_loader_calls_it()
    {
        await using var workerd = await GuardedWorkerd.StartAsync(Workers, Standard);
        workerd.View.SetLimits("3@2", Standard with { CpuMs = 1500 }).ShouldBeTrue();
        (await workerd.AskAsync("3@2~1", "loop")).Status.ShouldBe(500);
        (await workerd.AskAsync("3@1", "loop")).Status.ShouldBe(500);
        var (longer, usual) = (await workerd.ReadingAsync("3@2", r => r.CpuEnds == 1), await workerd.ReadingAsync("3@1", r => r.CpuEnds == 1));
        longer.LongestTurn.ShouldBeGreaterThan(TimeSpan.FromMilliseconds(1000));
        usual.LongestTurn.ShouldBeLessThan(longer.LongestTurn);
    }

    [Fact]
    public async Task A_limit_that_changes_holds_for_what_runs_already()
    {
        await using var workerd = await GuardedWorkerd.StartAsync(Workers, Standard);
        (await workerd.AskAsync("5@1", "keeper")).Body.ShouldBe("kept");
        (await workerd.ReadingAsync("5@1", r => r.BufferBytes > 24 << 20)).BufferEnds.ShouldBe(0);
        workerd.View.SetLimits("5@1", Standard with { BuffersMiB = 8 });
        for (var i = 0; i < 50 && workerd.View.Read().Single(r => r.WorkerKey == "5@1").BufferEnds == 0; i++) await workerd.AskAsync("5@1", "keeper");
        (await workerd.ReadingAsync("5@1", r => r.BufferEnds > 0)).Condemned.ShouldBeTrue();
    }

    [Fact]
    public async Task An_array_buffer_too_many_is_refused_and_the_worker_goes_on()
    {
        await using var workerd = await GuardedWorkerd.StartAsync(Workers, Standard with { CpuMs = 5000 });
        (await workerd.AskAsync("5@1", "filler")).Body.ShouldBe("RangeError true");
        (await workerd.ReadingAsync("5@1", r => r.BufferEnds == 1)).ShouldSatisfyAllConditions(r => r.Condemned.ShouldBeTrue(), r => r.BufferBytes.ShouldBeLessThan(66 << 20));
        (await workerd.AskAsync("5@1", "filler")).Body.ShouldBe("body 8388608", "what the runtime itself allocates must not fail: it would end the process");
        (await workerd.AskAsync("6@1", "churn")).Body.ShouldBe("churned", "garbage is collected before anything is refused");
        (await workerd.ReadingAsync("6@1", r => r.Turns > 0)).BufferEnds.ShouldBe(0);
    }

    [Fact]
    public async Task A_worker_may_have_more_heap_than_the_process_was_started_with()
    {
        await using var workerd = await GuardedWorkerd.StartAsync(Workers, Standard with { CpuMs = 5000 });
        workerd.View.SetLimits("8@1", Standard with { HeapMiB = 256, CpuMs = 5000 });
        (await workerd.AskAsync("8@1", "wide")).Body.ShouldBe("1200000");
        (await workerd.ReadingAsync("8@1", r => r.Turns > 0)).HeapEnds.ShouldBe(0);
    }

    [Fact]
    public async Task A_turn_that_nothing_limits_goes_on()
    {
        await using var workerd = await GuardedWorkerd.StartAsync(Workers, Standard);
        workerd.View.SetLimits("9@1", new GuardLimits(0, 0, 0, 0, 0));
        var loop = workerd.AskAsync("9@1", "loop");
        for (var beat = workerd.View.Beat; workerd.View.Beat < beat + 500;) await Task.Delay(20);
        loop.IsCompleted.ShouldBeFalse();
        workerd.View.Running.ShouldBe("9@1");
    }

    [Fact]
    public void The_table_takes_entries_changes_and_removes_them_until_it_is_full()
    {
        var path = Path.Combine(Path.GetTempPath(), $"qd-guard-{Guid.NewGuid():N}");
        using var view = GuardView.Create(path, new GuardedBinary("1", default, []), Standard);
        for (var i = 0; i < GuardLayout.Limits; i++) view.SetLimits($"{i}@1", Standard).ShouldBeTrue();
        view.SetLimits("7@2", Standard).ShouldBeFalse();
        view.SetLimits("7@1", Standard with { CpuMs = 1 }).ShouldBeTrue("a known key only changes");
        view.RemoveLimits("9@1");
        view.SetLimits("7@2", Standard).ShouldBeTrue("a removed entry's place is used again");
        view.SetLimits("7@3", Standard).ShouldBeFalse();
        view.SetLimits(new string('9', 64), Standard).ShouldBeFalse("a key that does not fit");
    }
}
