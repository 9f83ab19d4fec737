using System.Globalization;
using System.Text.RegularExpressions;
using Quarterdeck.Access;
using Quarterdeck.Tests.House;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;
using Xunit.Abstractions;

namespace Quarterdeck.Tests.Workers.Hostile;

/// <summary>The whole platform under attack. Runs when nothing else does: other tests' load must not end good tenants' turns.</summary>
[Collection(Alone.Name)]
public sealed partial class HostileTests(ITestOutputHelper output)
{
    [GeneratedRegex(@"Put on (\d+)@")]
    private static partial Regex PutOn();

    [Fact]
    public async Task Forty_good_tenants_in_one_process_lose_no_request_while_others_attack()
    {
        await using var stack = await HostileStack.StartAsync();
        using var run = await PreparedAsync(stack, "active");
        await run.LoadAsync(TimeSpan.FromSeconds(12), TimeSpan.FromMilliseconds(200));
        await JudgeAsync(stack, run);
    }

    [Fact, Trait("Category", "Long")]
    public async Task Five_minutes_of_attacks_lose_no_request_and_barely_slow_the_others()
    {
        await using var stack = await HostileStack.StartAsync();
        using var run = await PreparedAsync(stack, "active");
        await MeasureAsync(stack, run, "with the guard", most: 5);
    }

    [Fact, Trait("Category", "Long")]
    public async Task With_a_workerd_that_the_guard_does_not_know_the_watchdog_alone_keeps_the_others_alive()
    {
        var folder = Directory.CreateTempSubdirectory("qd-hostile-").FullName;
        try
        {
            await using var stack = await HostileStack.StartAsync(await UnknownWorkerdAsync(folder));
            using var run = await PreparedAsync(stack, "off");
            await MeasureAsync(stack, run, "without the guard", most: null);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    /// <summary>The version before, where the sandbox's user can read it.</summary>
    internal static async Task<string> UnknownWorkerdAsync(string folder)
    {
        var copy = Path.Combine(folder, "workerd");
        File.Copy(await NpmPackages.WorkerdBeforeAsync(), copy);
        File.SetUnixFileMode(copy, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        return copy;
    }

    private static async Task<HostileRun> PreparedAsync(HostileStack stack, string guard)
    {
        var run = new HostileRun(stack);
        await run.PrepareAsync();
        run.Failures.ShouldBeEmpty();
        // One process for all of them, as the console and the system tell it.
        stack.Shard.ShouldSatisfyAllConditions(
            shard => shard.Guard.ShouldBe(guard, shard.GuardReason), shard => shard.Workers.ShouldBeGreaterThanOrEqualTo(40),
            shard => File.ReadAllText($"/proc/{shard.Pid}/comm").Trim().ShouldBe("workerd"));
        return run;
    }

    private async Task MeasureAsync(HostileStack stack, HostileRun run, string how, double? most)
    {
        var before = await run.LoadAsync(TimeSpan.FromSeconds(20), null);
        run.LateFrom = before.P99 * 5;
        var during = await run.LoadAsync(TimeSpan.FromMinutes(5), TimeSpan.FromMilliseconds(300));
        await Task.Delay(2000);
        var idle = await CpuAsync(stack, TimeSpan.FromSeconds(1));
        var text = string.Create(CultureInfo.InvariantCulture, $"""
            hostile run {how}, 5 minutes, 40 good tenants in one process
            good requests {run.Good}, failed {run.Failures.Count}
            without attacks: p50 {before.P50:0.0} ms, p99 {before.P99:0.0} ms, longest {before.Max:0} ms
            with attacks:    p50 {during.P50:0.0} ms, p99 {during.P99:0.0} ms, longest {during.Max:0} ms (p99 × {during.P99 / before.P99:0.0})
            good requests beyond 5 times that p99: {run.Late}; beside them went on, by how many: {string.Join(", ", run.Beside.Take(12).Select(one => $"{one.Key} {one.Value}"))}
            attacks executed {run.Executed.Values.Sum()}: {string.Join(", ", run.Executed.OrderBy(one => one.Key).Select(one => $"{one.Key} {one.Value}"))}
            refused before they became a version: {string.Join(", ", run.Refused)}
            ends of processes {stack.Ends.Count}, put on good tenants {PutOnGood(stack).Count}; CPU of all compute servers 2 s after the attacks: {idle:0.00} of a core
            {string.Join('\n', stack.Ends.Select(end => "  " + end.Split('\n')[0]))}
            """);
        output.WriteLine(text);
        Directory.CreateDirectory(Path.Combine(Repository.Root, "TestResults"));
        await File.WriteAllTextAsync(Path.Combine(Repository.Root, "TestResults", $"hostile-{how.Replace(' ', '-')}.txt"), text);
        await JudgeAsync(stack, run);
        if (most is { } times) (during.P99 / before.P99).ShouldBeLessThan(times);
        idle.ShouldBeLessThan(0.2);
    }

    private async Task JudgeAsync(HostileStack stack, HostileRun run)
    {
        output.WriteLine($"good {run.Good}, attacks {run.Executed.Values.Sum()}, refused {string.Join(", ", run.Refused)}\n{string.Join('\n', stack.Ends)}");
        run.Failures.ShouldBeEmpty();
        run.Executed.Count.ShouldBe(Attack.All.Count + 1 + ClientAttacks.All.Count - run.Refused.Count, "every attack was executed");
        run.Refused.ShouldContain("wrong-syntax");
        run.CanaryHits.ShouldBe(0, "a worker reached the loopback");
        PutOnGood(stack).ShouldBeEmpty();
        // Without the guard nobody knows whose code ran at the first end under a request; with it every end is somebody's.
        if (stack.Shard.Guard == "active") Versions(stack).Where(end => !PutOn().IsMatch(end)).ShouldBeEmpty();
        foreach (var name in Good(stack).Values)
            (await stack.Tiers.HistoryAsync(Caller.System, name, default)).Value.ShouldBeEmpty($"{name} did nothing");
        await Eventually.Is(() => stack.Table.Current.Workers.Values.Any(worker => worker.Tier is not WorkerTier.Shared), "attackers are set apart");
    }

    private static Dictionary<string, string> Good(HostileStack stack) =>
        stack.Table.Current.Workers.Values.Where(worker => worker.Name.StartsWith("good", StringComparison.Ordinal)).ToDictionary(worker => worker.Serial.ToString(CultureInfo.InvariantCulture), worker => worker.Name);

    // Processes of start-up checks (k…) hold code that never became a version.
    private static IEnumerable<string> Versions(HostileStack stack) => stack.Ends.Where(end => !end.StartsWith("Compute server k", StringComparison.Ordinal));

    private static List<string> PutOnGood(HostileStack stack) => [.. Versions(stack).Where(end => Good(stack).ContainsKey(PutOn().Match(end).Groups[1].Value))];

    private static async Task<double> CpuAsync(HostileStack stack, TimeSpan time)
    {
        var before = stack.Servers.Sum(server => server.CpuSeconds);
        await Task.Delay(time);
        return (stack.Servers.Sum(server => server.CpuSeconds) - before) / time.TotalSeconds;
    }
}
