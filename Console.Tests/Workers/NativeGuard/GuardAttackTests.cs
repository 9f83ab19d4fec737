using Quarterdeck.Tests.Workers.Hostile;
using Quarterdeck.Workers.NativeGuard;

namespace Quarterdeck.Tests.Workers.NativeGuard;

/// <summary>Each attack alone, on a workerd with nothing around it but the guard.</summary>
public sealed class GuardAttackTests
{
    private const string Good = "export default { fetch() { return new Response('good'); } };";
    private static readonly GuardLimits Limits = new(CpuMs: 100, StartupMs: 200, CpuPercent: 5, HeapMiB: 96, BuffersMiB: 64);

    public static TheoryData<string> Names(AttackEnd end) => [.. Attack.All.Where(attack => attack.End == end).Select(attack => attack.Name)];

    [Theory, MemberData(nameof(Names), AttackEnd.TurnEnded)]
    public async Task An_attack_ends_and_the_process_lives_on(string name)
    {
        await using var workerd = await StartAsync(name);
        (await workerd.AskAsync("1@1", "good")).Body.ShouldBe("good");
        var attack = workerd.AskAsync("7@3", name);
        var blamed = await workerd.ReadingAsync("7@3", r => r.CpuEnds + r.StartupEnds + r.RateEnds + r.HeapEnds + r.BufferEnds > 0);
        (await attack).Status.ShouldBe(500);
        blamed.Key.ShouldBe("7@3");
        workerd.View.Read().Single(r => r.WorkerKey == "1@1").ShouldSatisfyAllConditions(good => good.CpuEnds.ShouldBe(0), good => good.Condemned.ShouldBeFalse());
        (await workerd.AskAsync("1@1", "good")).Body.ShouldBe("good");
        workerd.Ended.IsCompleted.ShouldBeFalse();
    }

    [Theory, MemberData(nameof(Names), AttackEnd.ProcessEnded)]
    public async Task What_cannot_be_ended_otherwise_ends_the_process_and_is_put_on_the_right_worker(string name)
    {
        await using var workerd = await StartAsync(name);
        (await workerd.AskAsync("1@1", "good")).Body.ShouldBe("good");
        (await workerd.AskAsync("7@3", name)).Status.ShouldBe(0);
        await workerd.Ended.WaitAsync(TimeSpan.FromSeconds(60));
        workerd.View.Blame().ShouldNotBeNull().Key.ShouldBe("7@3");
    }

    [Theory, MemberData(nameof(Names), AttackEnd.EitherEnded)]
    public async Task What_ends_by_itself_or_is_given_up_is_put_on_the_right_worker(string name)
    {
        await using var workerd = await StartAsync(name);
        (await workerd.AskAsync("1@1", "good")).Body.ShouldBe("good");
        if ((await workerd.AskAsync("7@3", name)).Status is 0)
        {
            await workerd.Ended.WaitAsync(TimeSpan.FromSeconds(60));
            workerd.View.Blame().ShouldNotBeNull().Key.ShouldBe("7@3");
            return;
        }
        await workerd.ReadingAsync("7@3", r => r.CpuEnds > 0);
        (await workerd.AskAsync("1@1", "good")).Body.ShouldBe("good");
    }

    [Theory, MemberData(nameof(Names), AttackEnd.Harmless)]
    public async Task What_harms_nobody_is_nobodys_fault(string name)
    {
        await using var workerd = await StartAsync(name, Limits with { CpuMs = 5000, StartupMs = 5000, CpuPercent = 0 });
        var attack = workerd.AskAsync("7@3", name);
        for (var i = 0; i < 5; i++) (await workerd.AskAsync("1@1", "good")).Body.ShouldBe("good");
        if (name is not ("unresolved" or "sleeper")) (await attack).Status.ShouldBeOneOf(200, 500);
        (await workerd.AskAsync("1@1", "good")).Body.ShouldBe("good");
        workerd.Ended.IsCompleted.ShouldBeFalse();
        workerd.View.Read().ShouldAllBe(reading => reading.CpuEnds + reading.StartupEnds + reading.HeapEnds + reading.BufferEnds == 0);
    }

    private static Task<GuardedWorkerd> StartAsync(string name, GuardLimits? limits = null) => GuardedWorkerd.StartAsync(
        new Dictionary<string, Dictionary<string, string>>
        {
            ["good"] = new() { ["main.js"] = Good },
            [name] = new() { ["main.js"] = Attack.All.Single(attack => attack.Name == name).Source, ["loop.wasm"] = Convert.ToHexString(Attack.WasmLoop) },
        }, limits ?? Limits);
}
