using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Objects;

/// <summary>The console and a node of its own process over one PostgreSQL: an object runs on one of them, and both call it.</summary>
public sealed class ObjectNodesTests
{
    private const string Listen = "Quarterdeck:Workers:Objects:Listen";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task An_object_is_one_for_all_nodes_and_when_its_node_is_killed_callers_are_told_where_it_is()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Postgres);
        var data = Directory.CreateTempSubdirectory("qd-objects-node-").FullName;
        var key = Path.Combine(data, "shared.key");
        await File.WriteAllTextAsync(key, Guid.NewGuid().ToString("N"));
        await using var console = await TestConsole.StartAsync(new Dictionary<string, string>
        {
            ["QUARTERDECK_DATABASE"] = database.Options.Database!, ["QUARTERDECK_KEY_FILE"] = key, ["Quarterdeck:Workers:Servers:Shards"] = "1", [Listen] = "127.0.0.1:0",
        });
        var front = console.App.Services.GetRequiredService<WorkerFront>();
        await front.OpenedAsync(default).WaitAsync(Limit);
        foreach (var name in (string[])["here", "there"]) await DeployAsync(console, name);
        using var node = Start(database.Options.Database!, key, data);
        try
        {
            var near = new Uri(front.Addresses[0]);
            var far = new Uri(await AddressAsync(node));
            using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false });
            // Where an object is first called, there it stays.
            await UntilAsync(client, near, "here", a => Stored(a) == 1);
            await UntilAsync(client, far, "there", a => Stored(a) == 1);
            var before = Stored(await AskAsync(client, near, "there"));
            await Task.WhenAll(Enumerable.Range(0, 10).SelectMany(_ => new[] { AskAsync(client, near, "here"), AskAsync(client, far, "here"), AskAsync(client, near, "there"), AskAsync(client, far, "there") }));
            // One instance: what it remembers is what it stored.
            var (here, there) = (await AskAsync(client, far, "here"), await AskAsync(client, near, "there"));
            here.ShouldBe("""{"stored":22,"memory":22,"clicks":22,"version":"one"}""");
            there.ShouldBe($$"""{"stored":{{before + 21}},"memory":{{before + 21}},"clicks":{{before + 21}},"version":"one"}""");
            using (var report = await console.Rest.GetAsync("/api/v1/workers/there/objects"))
            {
                var body = JsonNode.Parse(await report.Content.ReadAsStringAsync())!;
                (body["node"]!.GetValue<string>(), body["classes"]![0]!["objects"]!.GetValue<int>()).ShouldBe(("north", 1));
            }

            node.Kill();
            await node.WaitForExitAsync();
            Stored(await AskAsync(client, near, "here")).ShouldBe(23);
            await UntilAsync(client, near, "there", a => a.Contains("live on the node 'north'", StringComparison.Ordinal));
        }
        finally
        {
            if (!node.HasExited) node.Kill();
            await node.WaitForExitAsync();
            await LateFolder.DeleteAsync(data);
        }
    }

    private static Process Start(string database, string key, string data) => Process.Start(new ProcessStartInfo("dotnet",
    [
        typeof(ConsoleOptions).Assembly.Location, "--role", "workers", $"--QUARTERDECK_DATABASE={database}", $"--QUARTERDECK_KEY_FILE={key}", $"--QUARTERDECK_DATA={data}",
        "--QUARTERDECK_WORKER_URLS=http://127.0.0.1:0", "--Quarterdeck:Workers:Servers:Shards=1", $"--{Listen}=127.0.0.1:0", "--Quarterdeck:Operations:Node=north",
    ]) { RedirectStandardOutput = true })!;

    // The node says in its log where it listens.
    private static async Task<string> AddressAsync(Process node)
    {
        var said = new StringBuilder();
        using var patience = new CancellationTokenSource(Limit);
        while (await node.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            said.AppendLine(line);
            if (line.Split(' ').FirstOrDefault(word => word.StartsWith("http://127.0.0.1:", StringComparison.Ordinal)) is not { } address || address.EndsWith(":0", StringComparison.Ordinal)) continue;
            _ = Task.Run(async () => { while (await node.StandardOutput.ReadLineAsync() is not null) { } });
            return address.TrimEnd('.', ',', '/');
        }
        throw new InvalidOperationException($"The node ended. {said}");
    }

    private static async Task DeployAsync(TestConsole console, string name)
    {
        using var form = new MultipartFormDataContent
        {
            { new StringContent("""{"mainModule":"main.js","bindings":{"COUNTERS":{"type":"durable_object","class":"Counter"}}}""", Encoding.UTF8, "application/json"), "metadata" },
            { new StringContent(ObjectLab.Version("one"), Encoding.UTF8, "application/javascript"), "main.js", "main.js" },
        };
        using var made = await console.Rest.PutAsync($"/api/v1/workers/{name}", form);
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync());
        using var zone = await console.Rest.PutAsJsonAsync($"/api/v1/zones/{name}.test", new { routes = new[] { new { pattern = "/*", worker = name } } });
        Assert.True(zone.IsSuccessStatusCode, await zone.Content.ReadAsStringAsync());
    }

    private static int Stored(string answer) => answer.StartsWith('{') ? JsonNode.Parse(answer)!["stored"]!.GetValue<int>() : -1;

    private static async Task UntilAsync(HttpClient client, Uri at, string name, Func<string, bool> good)
    {
        var got = "";
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Limit; await Task.Delay(100))
        {
            try { got = await AskAsync(client, at, name); }
            catch (HttpRequestException e) { got = e.Message; }
            if (good(got)) return;
        }
        Assert.Fail($"{at} answers for {name}: {got}");
    }

    private static async Task<string> AskAsync(HttpClient client, Uri at, string name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(at, "/a/add"));
        request.Headers.Host = $"{name}.test";
        using var answer = await client.SendAsync(request);
        return await answer.Content.ReadAsStringAsync();
    }
}
