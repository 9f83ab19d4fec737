using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Tests.House;
using Quarterdeck.Workers.NativeGuard;

namespace Quarterdeck.Tests.Workers.NativeGuard;

/// <summary>A workerd with nothing around it but the guard: a dispatcher of ten lines that loads the workers that it is given.</summary>
internal sealed class GuardedWorkerd : IAsyncDisposable
{
    private const string Dispatcher = """
        import code from "code.json";
        const workers = JSON.parse(code);
        const wasm = (hex) => new Uint8Array(hex.match(/../g).map((byte) => parseInt(byte, 16))).buffer;
        const modules = (prefix, worker) => Object.fromEntries(Object.entries(worker).map(([name, text]) => [prefix + name, name.endsWith(".wasm") ? { wasm: wasm(text) } : text]));
        export default { async fetch(request, env) {
          const key = request.headers.get("x-key"), worker = workers[request.headers.get("x-worker")], prefix = `t/${key}/`;
          if (!worker) return new Response("pong");
          try { return await env.LOADER.get(key, () => ({ compatibilityDate: "2026-11-01", compatibilityFlags: ["nodejs_compat"], mainModule: prefix + "main.js", modules: modules(prefix, worker), globalOutbound: null })).getEntrypoint().fetch(request); }
          catch (error) { return new Response(String(error), { status: 500 }); }
        } };
        """;

    private readonly string _folder;
    private readonly RunningProcess _process;
    private readonly HttpClient _client;

    private GuardedWorkerd(string folder, RunningProcess process, GuardView view)
    {
        (_folder, _process, View) = (folder, process, view);
        _client = new HttpClient(new SocketsHttpHandler { ConnectCallback = ConnectAsync }) { BaseAddress = new Uri("http://worker"), Timeout = TimeSpan.FromSeconds(60) };
    }

    /// <summary>The binary that the build restored.</summary>
    public static string Binary { get; } = Path.Combine(Repository.Root, "build/workerd/node_modules/@cloudflare/workerd-linux-64/bin/workerd");

    /// <summary>What the guard shares with the console.</summary>
    public GuardView View { get; }

    /// <summary>Completes when the process has ended.</summary>
    public Task<ProcessOutcome> Ended => _process.Ended;

    /// <summary>The process.</summary>
    public int Pid => _process.Id;

    /// <summary>Starts the binary with the guard and waits until it answers.</summary>
    /// <param name="workers">Modules by name (the main one is <c>main.js</c>), by the worker's name.</param>
    /// <param name="limits">The standard limits.</param>
    /// <param name="state">What the library said; null to ask it about <paramref name="binary"/>.</param>
    /// <param name="binary">The program; null for <see cref="Binary"/>.</param>
    public static async Task<GuardedWorkerd> StartAsync(
        IReadOnlyDictionary<string, Dictionary<string, string>> workers, GuardLimits limits, GuardState? state = null, string? binary = null)
    {
        var folder = Directory.CreateTempSubdirectory("qd-guard-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "dispatcher.js"), Dispatcher);
        await File.WriteAllTextAsync(Path.Combine(folder, "code.json"), JsonSerializer.Serialize(workers));
        await File.WriteAllTextAsync(Path.Combine(folder, "config.capnp"), $$"""
            using Workerd = import "/workerd/workerd.capnp";
            const config :Workerd.Config = (
              v8Flags = ["--max-heap-size=64"],
              services = [ (name = "dispatcher", worker = (compatibilityDate = "2026-11-01", bindings = [ (name = "LOADER", workerLoader = (id = "workers")) ],
                modules = [ (name = "dispatcher.js", esModule = embed "dispatcher.js"), (name = "code.json", text = embed "code.json") ])) ],
              sockets = [ (name = "http", address = "unix:{{folder}}/http.sock", http = (), service = "dispatcher") ] );
            """);
        state ??= new GuardLibrary(NullLogger<GuardLibrary>.Instance).For(Binary);
        var view = GuardView.Create(Path.Combine(folder, "guard"), state.Binary.ShouldNotBeNull(state.Reason), limits);
        var process = await new ProcessRunner().StartAsync(new ProcessSpec(binary ?? Binary, ["serve", "--experimental", Path.Combine(folder, "config.capnp")])
        {
            Environment = state.Environment(view.Path), Grace = TimeSpan.Zero,
        });
        var started = new GuardedWorkerd(folder, process, view);
        await started.ReadyAsync();
        return started;
    }

    /// <summary>Asks a worker; the status and the body's beginning, or status 0 when the connection broke.</summary>
    public async Task<(int Status, string Body)> AskAsync(string key, string worker, string path = "/")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "x-key", key }, { "x-worker", worker } } };
        try
        {
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            var buffer = new byte[200];
            await using var body = await response.Content.ReadAsStreamAsync();
            var read = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false);
            return ((int)response.StatusCode, System.Text.Encoding.UTF8.GetString(buffer, 0, read));
        }
        catch (Exception e) when (e is HttpRequestException or IOException) { return (0, e.Message); }
    }

    /// <summary>The reading of a key; waits for it.</summary>
    public async Task<GuardReading> ReadingAsync(string key, Func<GuardReading, bool> condition)
    {
        for (var tries = 0; tries < 600; tries++)
        {
            if (View.Read(gone: true).FirstOrDefault(r => r.WorkerKey == key && condition(r)) is { Key: not null } reading) return reading;
            await Task.Delay(50);
        }
        throw new TimeoutException($"{key} is not as expected: {string.Join('\n', View.Read(gone: true))}");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _process.Kill();
        await _process.DisposeAsync();
        View.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ReadyAsync()
    {
        for (var tries = 0; tries < 600 && !_process.Ended.IsCompleted; tries++)
        {
            if ((await AskAsync("", "")).Status == 200) return;
            await Task.Delay(50);
        }
        throw new InvalidOperationException($"workerd does not answer: {(_process.Ended.IsCompleted ? (await _process.Ended).Error : "it runs")}");
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(_folder, "http.sock")), cancellation);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
