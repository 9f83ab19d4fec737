using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Quarterdeck.Bench;

/// <summary>The built console with its worker runtime, as a process of its own.</summary>
internal sealed class WorkersUnderTest : IAsyncDisposable
{
    /// <summary>The worker that all benches compare.</summary>
    public const string Hello = "export default { async fetch() { return new Response('hello\\n'); } };";

    private WorkersUnderTest(ConsoleUnderTest console, int port) => (Console, Port) = (console, port);

    public ConsoleUnderTest Console { get; }

    /// <summary>Where its zones are served.</summary>
    public int Port { get; }

    public static async Task<WorkersUnderTest> StartAsync(int shards, CancellationToken cancellation, params (string Key, string Value)[] more)
    {
        var port = FreePort();
        var settings = new Dictionary<string, string>
        {
            ["QUARTERDECK_WORKER_URLS"] = $"http://127.0.0.1:{port}", ["Quarterdeck__Hosts__FirstHost"] = "", ["Quarterdeck__Workers__Servers__Shards"] = $"{shards}", ["Logging__LogLevel__Default"] = "Warning",
        };
        foreach (var (key, value) in more) settings[key] = value;
        return new WorkersUnderTest(await ConsoleUnderTest.StartAsync(cancellation, settings), port);
    }

    /// <summary>Makes a version and lets it answer; the time until the console said so.</summary>
    public async Task DeployAsync(string name, string source, CancellationToken cancellation)
    {
        using var form = new MultipartFormDataContent
        {
            { new StringContent("""{"mainModule":"main.js","compatibilityDate":"2026-04-01"}""", Encoding.UTF8, "application/json"), "metadata" },
            { new StringContent(source, Encoding.UTF8, "application/javascript"), "main.js", "main.js" },
        };
        using var answer = await Console.Http.PutAsync($"workers/{name}", form, cancellation);
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException(await answer.Content.ReadAsStringAsync(cancellation));
    }

    /// <summary>Gives all paths of a host name to a worker.</summary>
    public async Task RouteAsync(string hostname, string worker, CancellationToken cancellation)
    {
        using var answer = await Console.Http.PutAsJsonAsync($"zones/{hostname}", new { routes = new[] { new { pattern = "/*", worker } } }, cancellation);
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException(await answer.Content.ReadAsStringAsync(cancellation));
    }

    /// <summary>The processes of its compute servers.</summary>
    public async Task<IReadOnlyList<int>> ShardsAsync(CancellationToken cancellation) =>
        [.. (await Console.GetAsync("compute-servers", cancellation)).GetProperty("items").EnumerateArray().Where(s => s.GetProperty("pid").ValueKind is JsonValueKind.Number).Select(s => s.GetProperty("pid").GetInt32())];

    public ValueTask DisposeAsync() => Console.DisposeAsync();

    public static int FreePort()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
