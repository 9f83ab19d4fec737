using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Runtime;

/// <summary>Processes that end, hang or are killed. Without the guard: what is left when it is off.</summary>
public sealed class WatchdogTests
{
    private const string Hello = "export default { fetch() { return new Response('hello'); } };";

    [Fact]
    public async Task A_killed_shard_is_back_and_answers_with_another_generation()
    {
        await using var node = await ComputeNode.StartAsync();
        var key = node.Deploy(1, Hello);
        (await node.GetAsync(key)).Status.ShouldBe(200);
        var (pid, generation, socket) = (node.Info().Pid!.Value, node.ServerOf(key).Generation, node.ServerOf(key).SocketPath);
        System.Diagnostics.Process.GetProcessById(pid).Kill();
        await ComputeNode.Until(() => node.ServerOf(key).Generation > generation && node.ServerOf(key).IsUp, "the shard is back");
        node.ServerOf(key).SocketPath.ShouldNotBe(socket);
        (await node.AskAsync(key)).ShouldBe("hello");
        (node.Info().Restarts, node.Ends.Count).ShouldBe((1, 0)); // an idle process's end is nobody's fault
        node.Info().LastEnd.ShouldBe("Signal 9 ended it.");
        File.Exists(socket).ShouldBeFalse();
    }

    [Fact]
    public async Task An_endless_loop_ends_its_process_and_is_put_on_its_worker()
    {
        await using var node = await ComputeNode.StartAsync(Unguarded);
        var good = node.Deploy(1, Hello);
        var loop = node.Deploy(2, "export default { fetch() { for (;;); } };");
        (await node.GetAsync(good)).Status.ShouldBe(200);
        (await node.TryAsync(loop)).Status.ShouldBeOneOf(0, 500);
        (await node.AskAsync(good)).ShouldBe("hello");
        await ComputeNode.Until(() => !node.Ends.IsEmpty, "the end is put on somebody");
        node.Ends.TryPeek(out var end).ShouldBeTrue();
        (end!.Blame, end.Kind).ShouldBe((loop, StrikeKind.Stuck));
        end.Detail.ShouldContain("ms of CPU without answering");
    }

    [Fact]
    public async Task A_shard_that_a_request_ends_again_and_again_is_started_each_time_without_a_pause()
    {
        await using var node = await ComputeNode.StartAsync(Unguarded, time: new EndlessPauses());
        var loop = node.Deploy(1, "export default { fetch(r) { if (r.url.endsWith('/loop')) for (;;); return new Response('fine'); } };");
        for (var i = 0; i < 5; i++)
        {
            (await node.GetAsync(loop)).Body.ShouldBe("fine");
            (await node.TryAsync(loop, "/loop")).Status.ShouldBeOneOf(0, 500);
            await ComputeNode.Until(() => node.Info() is { State: ComputeServerState.Up } info && info.Restarts == i + 1, "the shard is back");
        }
    }

    [Fact]
    public async Task Of_several_that_were_there_the_one_that_is_always_there_is_named()
    {
        await using var node = await ComputeNode.StartAsync(Unguarded);
        var loop = node.Deploy(1, "export default { fetch() { for (;;); } };");
        var slow = Enumerable.Range(2, 3).Select(n => node.Deploy(n, "export default { async fetch() { await scheduler.wait(60000); return new Response('late'); } };")).ToList();
        foreach (var bystander in slow)
        {
            var (waiting, generation) = (node.TryAsync(bystander), node.ServerOf(loop).Generation);
            await ComputeNode.Until(() => node.ServerOf(loop).IsUp && node.Info().Workers > 0, "the bystander is under way");
            (await node.TryAsync(loop)).Status.ShouldBeOneOf(0, 500);
            await waiting;
            await ComputeNode.Until(() => node.ServerOf(loop).Generation > generation, "the next generation");
            if (!node.Ends.IsEmpty) break;
        }
        node.Ends.ShouldNotBeEmpty();
        node.Ends.ShouldAllBe(end => end.Blame == loop);
    }

    [Theory]
    [InlineData(150, 1, 100, false, 250)]
    [InlineData(150, 3, 100, false, 300)]
    [InlineData(150, 1000, 100, false, 650)]
    [InlineData(150, 1, 30_000, true, 30_850)]
    public void A_turn_counts_as_endless_after_the_longest_one_and_those_that_may_stand_before_the_ping(int stuck, int requests, int longest, bool guarded, int allowed) =>
        Quarterdeck.Workers.Runtime.Watchdog.Allowed(stuck, requests, longest, guarded).ShouldBe(allowed);

    [Fact]
    public async Task A_shard_under_many_requests_at_once_goes_on()
    {
        await using var node = await ComputeNode.StartAsync(o => o.Guard = false);
        var busy = node.Deploy(1, "export default { fetch() { let x = 0; for (let i = 0; i < 2e6; i++) x += i % 7; return new Response(String(x)); } };", limits: WorkerLimits.Usual with { CpuPercent = 100 });
        (await node.GetAsync(busy)).Status.ShouldBe(200);
        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => node.TryAsync(busy)));
        answers.Where(answer => answer.Status != 200).ShouldBeEmpty(node.Info().LastEnd);
        node.Info().Restarts.ShouldBe(0);
    }

    [Fact]
    public void Who_answers_between_two_ends_is_not_named_though_it_was_there_each_time()
    {
        var suspects = new Quarterdeck.Workers.Runtime.Suspects();
        var (good, first, second) = (new WorkerKey(1, 1), new WorkerKey(2, 1), new WorkerKey(3, 1));
        suspects.Name([(good, 0), (first, 1)], alone: false).ShouldBeNull();
        suspects.Answered(good);
        suspects.Name([(good, 0), (second, 1)], alone: false).ShouldBeNull();
        suspects.Answered(good);
        suspects.Name([(good, 0), (second, 1)], alone: false).ShouldBe(second);
        suspects.Answered(good);
        suspects.Name([(good, 0), (first, 1)], alone: false).ShouldBe(first);
        suspects.Name([(good, 0)], alone: false).ShouldBe(good);
    }

    [Fact]
    public void Whoever_had_an_answer_is_not_suspected_of_an_end_and_whoever_had_none_is()
    {
        var inFlight = new Quarterdeck.Workers.Runtime.InFlight();
        var (answered, broken) = (new WorkerKey(1, 1), new WorkerKey(2, 1));
        using (var ticket = inFlight.Begin(answered)) ticket.Answered();
        inFlight.Begin(broken).Dispose();
        inFlight.Snapshot().Select(one => one.Key).ShouldBe([broken]);
        inFlight.Answers.ShouldBe(1);
    }

    [Fact]
    public async Task A_stopped_process_is_killed_though_it_uses_no_CPU()
    {
        await using var node = await ComputeNode.StartAsync(o => o.SilentSeconds = 1);
        var key = node.Deploy(1, Hello);
        (await node.AskAsync(key)).ShouldBe("hello"); // on a busy machine a start may be silent for that long, too
        var pid = node.Info().Pid!.Value;
        using (var stop = System.Diagnostics.Process.Start("kill", ["-STOP", $"{pid}"])) await stop.WaitForExitAsync();
        await ComputeNode.Until(() => node.Info() is { State: ComputeServerState.Up } info && info.Pid != pid, "another process");
        node.Info().LastEnd!.ShouldContain("did not answer");
        (await node.AskAsync(key)).ShouldBe("hello");
    }

    [Fact]
    public async Task A_heap_bomb_and_a_buffer_bomb_end_their_cordon_only()
    {
        await using var node = await ComputeNode.StartAsync(Unguarded);
        var good = node.Deploy(1, Hello);
        (await node.GetAsync(good)).Status.ShouldBe(200);
        var heap = node.Deploy(2, "export default { fetch() { const keep = []; for (;;) keep.push({ a: [1, 2, 3], b: 'x' + keep.length }); } };", tier: WorkerTier.Cordon, limits: WorkerLimits.Usual with { MemoryMiB = 32, CpuMs = 20_000, CpuPercent = 100 });
        (await node.TryAsync(heap)).Status.ShouldBeOneOf(0, 500);
        await ComputeNode.Until(() => node.Ends.Any(e => e.Blame?.Serial == 2), "the heap bomb is named");
        if (node.Info().Sandbox.Memory)
        {
            var buffers = node.Deploy(3, "export default { fetch() { const keep = []; for (;;) { const b = new Uint8Array(8 << 20); b.fill(1); keep.push(b); } } };", tier: WorkerTier.Cordon, limits: WorkerLimits.Usual with { CpuMs = 20_000, CpuPercent = 100 });
            (await node.TryAsync(buffers)).Status.ShouldBeOneOf(0, 500);
            await ComputeNode.Until(() => node.Ends.Any(e => e.Blame?.Serial == 3), "the buffer bomb is named");
        }
        (await node.AskAsync(good)).ShouldBe("hello");
        node.Info().Restarts.ShouldBe(0);
    }

    private static void Unguarded(ComputeServerOptions servers) => servers.Guard = false;

    private sealed class EndlessPauses : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }
}
