using System.Net;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Hostile;

/// <summary>A request that ended a real compute server, though it might be sent again by its method.</summary>
[Collection(Alone.Name)]
public sealed class BlamedRequestTests
{
    [Fact]
    public async Task It_ends_one_process_and_no_second_one()
    {
        await using var stack = await HostileStack.StartAsync();
        using var client = new HttpClient { BaseAddress = stack.Front, Timeout = TimeSpan.FromSeconds(90) };
        (await stack.DeployAsync("good", "export default { fetch() { return new Response('good'); } };")).ShouldBeNull();
        (await stack.DeployAsync("bomb", Attack.All.Single(attack => attack.Name == "heap-bomb-string").Source)).ShouldBeNull();
        await Eventually.Is(() => stack.Servers is [{ State: ComputeServerState.Up }], "the shard answers");
        using (var answer = await AskAsync(client, "bomb"))
            (answer.StatusCode, answer.Headers.GetValues("x-quarterdeck-cause").Single()).ShouldBe((HttpStatusCode.ServiceUnavailable, "ended"));
        stack.Ends.Count(end => end.Contains("Put on", StringComparison.Ordinal)).ShouldBe(1, string.Join('\n', stack.Ends));
        using (var good = await AskAsync(client, "good")) (await good.Content.ReadAsStringAsync()).ShouldBe("good");
    }

    private static Task<HttpResponseMessage> AskAsync(HttpClient client, string name) => client.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { Host = $"{name}.test" } });
}
