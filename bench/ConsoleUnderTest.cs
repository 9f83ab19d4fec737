using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Quarterdeck.Bench;

/// <summary>The built console as a process of its own on temporary data, and its REST interface.</summary>
internal sealed class ConsoleUnderTest : IAsyncDisposable
{
    private readonly string _data;
    private readonly Process _process;

    private ConsoleUnderTest(Process process, HttpClient http, string data) => (_process, Http, _data) = (process, http, data);

    /// <summary>The process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Sends with the administrator's token; base address <c>…/api/v1/</c>.</summary>
    public HttpClient Http { get; }

    /// <summary>Starts it and waits until it is ready.</summary>
    public static async Task<ConsoleUnderTest> StartAsync(CancellationToken cancellation, IReadOnlyDictionary<string, string>? settings = null)
    {
        var data = Directory.CreateTempSubdirectory("qd-bench-").FullName;
        var (port, appliancePort, token) = (FreePort(), FreePort(), Guid.NewGuid().ToString("N") + Guid.NewGuid().ToString("N"));
        var start = new ProcessStartInfo("dotnet", [Path.Combine(Root, "Console.Web", "bin", "Release", "net10.0", "Quarterdeck.Web.dll")])
        {
            RedirectStandardOutput = true,
            Environment =
            {
                ["QUARTERDECK_DATA"] = data, ["QUARTERDECK_URLS"] = $"http://127.0.0.1:{port}", ["QUARTERDECK_ADMIN_TOKEN"] = token,
                ["QUARTERDECK_APPLIANCE_URL"] = $"https://10.0.2.2:{appliancePort}",
            },
        };
        foreach (var (key, value) in settings ?? new Dictionary<string, string>()) start.Environment[key] = value;
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/api/v1/"), Timeout = TimeSpan.FromMinutes(2) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var console = new ConsoleUnderTest(process, http, data);
        for (var clock = Stopwatch.StartNew(); !await console.IsReadyAsync(cancellation); await Task.Delay(50, cancellation))
            if (process.HasExited || clock.Elapsed.TotalSeconds > 60) throw new InvalidOperationException("The console did not get ready.");
        return console;
    }

    public async Task<JsonElement> GetAsync(string path, CancellationToken cancellation) => await Http.GetFromJsonAsync<JsonElement>(path, cancellation);

    /// <summary>Sends something that is answered by 202, and waits until its operation has succeeded.</summary>
    public async Task<JsonElement> OperateAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using var answer = await Http.SendAsync(request, cancellation);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>(cancellation);
        if ((int)answer.StatusCode != 202) throw new InvalidOperationException($"{method} {path}: {answer.StatusCode} {body}");
        while (true)
        {
            var operation = await GetAsync($"operations/{body.GetProperty("operationId").GetString()}", cancellation);
            switch (operation.GetProperty("state").GetString())
            {
                case "succeeded" or "warning": return operation;
                case "queued" or "running": await Task.Delay(20, cancellation); break;
                default: throw new InvalidOperationException($"{method} {path}: {operation}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using (var kill = Process.Start("kill", ["-TERM", _process.Id.ToString()])) await kill.WaitForExitAsync();
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
        Http.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    /// <summary>The repository.</summary>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Console.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<bool> IsReadyAsync(CancellationToken cancellation)
    {
        try { return (await Http.GetAsync("/healthz/ready", cancellation)).IsSuccessStatusCode; }
        catch (HttpRequestException) { return false; }
    }
}
