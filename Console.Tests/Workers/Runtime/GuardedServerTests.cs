using System.Text;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Runtime;

/// <summary>A compute server with the guard in it: a runaway ends, its process lives on.</summary>
public sealed class GuardedServerTests
{
    private const string Hello = "export default { fetch() { return new Response('hello'); } };";

    [Fact]
    public async Task A_loop_ends_with_its_limit_as_the_reason_and_the_process_lives_on()
    {
        await using var node = await ComputeNode.StartAsync();
        var good = node.Deploy(1, Hello);
        var loop = node.Deploy(2, "export default { fetch(r) { if (r.url.endsWith('/loop')) for (;;); return new Response('fine'); } };");
        (await node.GetAsync(loop)).Body.ShouldBe("fine");
        node.Info().Guard.ShouldBe("active", node.Info().GuardReason);
        var pid = node.Info().Pid;
        for (var i = 0; i < 3; i++)
        {
            var ended = await node.GetAsync(loop, "/loop");
            (ended.Status, ended.Outcome).ShouldBe((500, "limit"), ended.Error);
        }
        (await node.GetAsync(loop)).Body.ShouldBe("fine");
        (await node.GetAsync(good)).Body.ShouldBe("hello");
        (node.Info().Pid, node.Info().Restarts).ShouldBe((pid, 0));
    }

    [Fact]
    public async Task A_worker_of_ten_megabytes_loads_and_answers()
    {
        await using var node = await ComputeNode.StartAsync();
        var text = Encoding.UTF8.GetBytes("export const text = '" + new string('x', 9 << 20) + "';");
        var key = node.Deploy(1, "import { text } from '../lib/big.js'; export default { fetch() { return new Response(String(text.length)); } };",
            limits: WorkerLimits.Usual with { StartupMs = 5000 }, more: [new("lib/big.js", ModuleKind.EsModule, text)]);
        (await node.GetAsync(key)).Body.ShouldBe($"{9 << 20}");
    }

    [Fact]
    public async Task More_workers_than_fit_into_memory_answer_though_many_are_loaded_at_once()
    {
        await using var node = await ComputeNode.StartAsync(o => o.ShardMiB = 320);
        var keys = Enumerable.Range(1, 300).Select(n => node.Deploy(n, $"export default {{ fetch() {{ return new Response('{n}'); }} }};")).ToList();
        await Parallel.ForEachAsync(keys, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (key, _) =>
            (await node.AskAsync(key)).ShouldBe(key.Serial.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        (await node.AskAsync(keys[0])).ShouldBe("1");
        (node.Info().Restarts, node.Ends.Count).ShouldBe((0, 0));
        node.Info().RssBytes.ShouldBeLessThan(320L << 20);
    }
}
