using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>PostgreSQL is stopped under the console and a node of its own process: what runs goes on, also through the end of its compute server; what would be lost is refused.</summary>
public sealed class StoreAwayTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    [Fact, Trait("Category", "Long")]
    public async Task While_PostgreSQL_is_away_both_nodes_answer_on_deployments_are_refused_with_the_reason_and_afterwards_all_goes_on_by_itself()
    {
        await using var server = await PostgresServer.StartAsync();
        await server.ExecuteAsync("CREATE DATABASE away");
        var (database, key, data) = (server.ConnectionString("away"), Path.Combine(Path.GetTempPath(), $"qd-away-{Guid.NewGuid():N}.key"), Directory.CreateTempSubdirectory("qd-away-node-").FullName);
        await File.WriteAllTextAsync(key, Guid.NewGuid().ToString("N"));
        await using var console = await TestConsole.StartAsync(new Dictionary<string, string> { ["QUARTERDECK_DATABASE"] = database, ["QUARTERDECK_KEY_FILE"] = key, ["Quarterdeck:Workers:Servers:Shards"] = "1" });
        await TwoNodesTests.PutAsync(console, "first");
        using (var zone = await console.Rest.PutAsJsonAsync("/api/v1/zones/shop.test", new { routes = new[] { new { pattern = "/*", worker = "shop" } } })) Assert.True(zone.IsSuccessStatusCode, await zone.Content.ReadAsStringAsync());
        var other = TwoNodesTests.FreePort();
        using var node = TwoNodesTests.Start(other, database, key, data);
        try
        {
            using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false });
            var front = console.App.Services.GetRequiredService<WorkerFront>();
            await front.OpenedAsync(default).WaitAsync(Limit);
            Uri[] both = [new(front.Addresses[0]), new($"http://127.0.0.1:{other}")];
            foreach (var at in both) await TwoNodesTests.UntilAsync(client, at, "first", node);
            await TwoNodesTests.ServersAsync(console, servers => servers.Count(s => s.State == "up") == 2);
            var shards = (await console.Rest.GetFromJsonAsync<JsonElement>("/api/v1/compute-servers")).GetProperty("items").EnumerateArray().Select(s => s.GetProperty("pid").GetInt32()).ToList();

            await server.StopAsync();
            await UntilReadyAsync(console, ready: false);
            foreach (var at in both)
                for (var i = 0; i < 20; i++) Assert.Equal("first", await TwoNodesTests.AskAsync(client, at));
            foreach (var shard in shards) Process.GetProcessById(shard).Kill();
            foreach (var at in both)
            {
                // who asks in the moment of the end may be taken for its cause
                await TwoNodesTests.UntilAsync(client, at, "first", node);
                for (var i = 0; i < 20; i++) Assert.Equal("first", await TwoNodesTests.AskAsync(client, at)); // a new process has the code from its node's memory
            }
            Assert.All(shards, shard => Assert.False(Directory.Exists($"/proc/{shard}")));
            await RefusedAsync(await console.Rest.PutAsync("/api/v1/workers/shop", TwoNodesTests.Upload("lost")));
            await RefusedAsync(await console.Rest.PostAsJsonAsync("/api/v1/workers/shop/deployments", new { versions = new[] { new { version = 1, percent = 100 } } }));
            Assert.False(node.HasExited);

            await server.ResumeAsync();
            await UntilReadyAsync(console, ready: true);
            await TwoNodesTests.PutAsync(console, "second");
            foreach (var at in both) await TwoNodesTests.UntilAsync(client, at, "second", node);
            await TwoNodesTests.ServersAsync(console, servers => servers.Count(s => s.State == "up") >= 2);
            var versions = (await console.Rest.GetFromJsonAsync<JsonElement>("/api/v1/workers/shop/versions")).GetProperty("total").GetInt32();
            Assert.Equal(2, versions); // of what was refused nothing is left
        }
        finally
        {
            if (!node.HasExited) node.Kill();
            await node.WaitForExitAsync();
            File.Delete(key);
            await LateFolder.DeleteAsync(data);
        }
    }

    private static async Task RefusedAsync(HttpResponseMessage answer)
    {
        using (answer)
        {
            var text = await answer.Content.ReadAsStringAsync();
            Assert.True(answer.StatusCode is HttpStatusCode.ServiceUnavailable, $"{(int)answer.StatusCode} {text}");
            Assert.Contains("PostgreSQL cannot be reached", JsonDocument.Parse(text).RootElement.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }
    }

    private static async Task UntilReadyAsync(TestConsole console, bool ready)
    {
        for (var until = DateTime.UtcNow + Limit; ; await Task.Delay(100))
        {
            using var answer = await console.Rest.GetAsync("/healthz/ready");
            var text = await answer.Content.ReadAsStringAsync();
            if (answer.IsSuccessStatusCode == ready && (ready || text.Contains("PostgreSQL", StringComparison.Ordinal))) return;
            Assert.True(DateTime.UtcNow < until, text);
        }
    }
}
