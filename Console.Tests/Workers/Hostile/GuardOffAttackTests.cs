using System.Net;
using Quarterdeck.Access;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Hostile;

/// <summary>Workerd was replaced by another version, as npm has it: the guard is off, and the watchdog alone holds the limits.</summary>
[Collection(Alone.Name)]
public sealed class GuardOffAttackTests
{
    [Fact]
    public async Task A_loop_costs_its_own_tenant_and_nobody_else_a_request() => await AttackAsync(["loop-sync", "heap-bomb"]);

    [Fact, Trait("Category", "Long")]
    public async Task Every_attack_costs_its_own_tenant_and_nobody_else_a_request() =>
        await AttackAsync([.. Attack.All.Where(attack => attack.End is not AttackEnd.Harmless && !attack.Name.StartsWith("startup", StringComparison.Ordinal)).Select(attack => attack.Name)]);

    private static async Task AttackAsync(IReadOnlyList<string> attacks)
    {
        var folder = Directory.CreateTempSubdirectory("qd-off-").FullName;
        try
        {
            await using var stack = await HostileStack.StartAsync(await HostileTests.UnknownWorkerdAsync(folder));
            using var client = new HttpClient { BaseAddress = stack.Front, Timeout = TimeSpan.FromSeconds(90) };
            (await stack.DeployAsync("good", "export default { fetch() { return new Response('good'); } };")).ShouldBeNull();
            await Eventually.Is(() => stack.Servers is [{ State: ComputeServerState.Up }], "the shard answers");
            stack.Shard.ShouldSatisfyAllConditions(shard => shard.Guard.ShouldBe("off"), shard => shard.GuardReason.ShouldNotBeNull().ShouldContain("is not one that the guard knows"));
            foreach (var name in attacks)
            {
                (await stack.DeployAsync(name, Attack.All.Single(attack => attack.Name == name).Source)).ShouldBeNull();
                (await AskAsync(client, "good")).ShouldBe("good");
                var attack = AskAsync(client, name);
                // Before, while and after: whoever waits gets an answer.
                for (var i = 0; i < 5; i++) (await AskAsync(client, "good")).ShouldBe("good", $"during {name}");
                await attack;
                (await AskAsync(client, "good")).ShouldBe("good", $"after {name}");
            }
            (await stack.Tiers.HistoryAsync(Caller.System, "good", default)).Value.ShouldBeEmpty();
            await Eventually.Is(async () => (await stack.Tiers.HistoryAsync(Caller.System, attacks[0], default)).Value.Count > 0, "a process that a worker ended is put on it");
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    private static async Task<string> AskAsync(HttpClient client, string name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { Host = $"{name}.test" } };
        using var response = await client.SendAsync(request);
        return response.StatusCode is HttpStatusCode.OK ? await response.Content.ReadAsStringAsync() : $"{(int)response.StatusCode}";
    }
}
