using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>The console and a node of its own process, <c>--role workers</c>, over one PostgreSQL, with real workerd.</summary>
public sealed class TwoNodesTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task New_code_reaches_both_nodes_and_the_zone_answers_on_when_one_is_killed()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Postgres);
        var key = Path.Combine(Path.GetTempPath(), $"qd-front-{Guid.NewGuid():N}.key");
        await File.WriteAllTextAsync(key, Guid.NewGuid().ToString("N"));
        var settings = new Dictionary<string, string> { ["QUARTERDECK_DATABASE"] = database.Options.Database!, ["QUARTERDECK_KEY_FILE"] = key, ["Quarterdeck:Workers:Servers:Shards"] = "1" };
        await using var console = await TestConsole.StartAsync(settings);
        var front = console.App.Services.GetRequiredService<WorkerFront>();
        await front.OpenedAsync(default).WaitAsync(Limit);
        await PutAsync(console, "first");
        using (var zone = await console.Rest.PutAsJsonAsync("/api/v1/zones/shop.test", new { routes = new[] { new { pattern = "/*", worker = "shop" } } })) Assert.True(zone.IsSuccessStatusCode, await zone.Content.ReadAsStringAsync());
        var other = FreePort();
        var data = Directory.CreateTempSubdirectory("qd-front-node-").FullName;
        using var node = Start(other, database.Options.Database!, key, data);
        try
        {
            using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false });
            var here = new Uri(front.Addresses[0]);
            var there = new Uri($"http://127.0.0.1:{other}");
            await UntilAsync(client, here, "first", node);
            await UntilAsync(client, there, "first", node);
            await PutAsync(console, "second");
            await UntilAsync(client, there, "second", node);
            Assert.Equal("second", await AskAsync(client, here));
            await ServersAsync(console, servers => servers.Any(s => s.Node == "other" && s.State == "up") && servers.Any(s => s.Node != "other" && s.State == "up"));
            await LogAsync(console, client, there);

            node.Kill();
            await node.WaitForExitAsync();
            for (var i = 0; i < 20; i++) Assert.Equal("second", await AskAsync(client, here));
            await ServersAsync(console, servers => servers.Where(s => s.Node == "other").All(s => s.State == "down") && servers.Any(s => s.Node != "other" && s.State == "up"));
        }
        finally
        {
            if (!node.HasExited) node.Kill();
            File.Delete(key);
            await LateFolder.DeleteAsync(data);
        }
    }

    internal static Process Start(int port, string database, string key, string data)
    {
        var start = new ProcessStartInfo("dotnet",
        [
            typeof(ConsoleOptions).Assembly.Location, "--role", "workers", $"--QUARTERDECK_DATABASE={database}", $"--QUARTERDECK_KEY_FILE={key}", $"--QUARTERDECK_DATA={data}",
            $"--QUARTERDECK_WORKER_URLS=http://127.0.0.1:{port}", "--Quarterdeck:Workers:Servers:Shards=1", "--Quarterdeck:Operations:Node=other", "--Logging:LogLevel:Default=Warning",
        ]) { RedirectStandardOutput = true, RedirectStandardError = true };
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }

    internal static async Task PutAsync(TestConsole console, string answer)
    {
        using var made = await console.Rest.PutAsync("/api/v1/workers/shop", Upload(answer));
        Assert.True(made.StatusCode is HttpStatusCode.Created, await made.Content.ReadAsStringAsync());
    }

    internal static MultipartFormDataContent Upload(string answer) => new()
    {
        { new StringContent("""{"mainModule":"main.js","compatibilityDate":"2026-04-01"}""", Encoding.UTF8, "application/json"), "metadata" },
        { new StringContent($"export default {{ async fetch(r) {{ console.log('at ' + new URL(r.url).pathname); return new Response('{answer}'); }} }};", Encoding.UTF8, "application/javascript"), "main.js", "main.js" },
    };

    /// <summary>Waits until the list of all nodes' compute servers is as it should be.</summary>
    internal static async Task ServersAsync(TestConsole console, Func<IReadOnlyList<(string Node, string State)>, bool> condition)
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(100))
        {
            var all = (await console.Rest.GetFromJsonAsync<System.Text.Json.JsonElement>("/api/v1/compute-servers")).GetProperty("items").EnumerateArray()
                .Select(s => (s.GetProperty("node").GetString()!, s.GetProperty("state").GetString()!)).ToList();
            if (condition(all)) return;
            if (clock.Elapsed > Limit) Assert.Fail($"The compute servers are {string.Join(", ", all)}.");
        }
    }

    /// <summary>Watches the log at the console while the other node is asked.</summary>
    private static async Task LogAsync(TestConsole console, HttpClient client, Uri other)
    {
        using var late = new CancellationTokenSource(Limit);
        using var answer = await console.Rest.GetAsync("/api/v1/workers/shop/logs", HttpCompletionOption.ResponseHeadersRead, late.Token);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(late.Token));
        var asking = Task.Run(async () =>
        {
            // The node learns of the watcher in a moment; from then on it reports.
            for (; !late.IsCancellationRequested; await Task.Delay(100)) await AskAsync(client, new Uri(other, "/elsewhere"));
        });
        while (await lines.ReadLineAsync(late.Token) is { } line)
            if (line.Contains("at /elsewhere", StringComparison.Ordinal)) break;
        Assert.False(late.IsCancellationRequested);
        await late.CancelAsync();
        await asking;
    }

    internal static async Task UntilAsync(HttpClient client, Uri at, string answer, Process node)
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(50))
        {
            if (node.HasExited) Assert.Fail(await node.StandardError.ReadToEndAsync());
            var got = "";
            try { got = await AskAsync(client, at); }
            catch (HttpRequestException) { }
            if (got == answer) return;
            if (clock.Elapsed > Limit) Assert.Fail($"{at} answers '{got}' instead of '{answer}'.");
        }
    }

    internal static async Task<string> AskAsync(HttpClient client, Uri at)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, at);
        request.Headers.Host = "shop.test";
        using var answer = await client.SendAsync(request);
        return await answer.Content.ReadAsStringAsync();
    }

    internal static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
