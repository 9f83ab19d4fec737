using System.Diagnostics;
using System.Net.Sockets;

namespace Quarterdeck.Bench;

/// <summary>Another way to run a worker, as processes of its own, answering on a loopback port.</summary>
internal sealed class WorkerPeer : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _folder;

    private WorkerPeer(Process process, int port, string folder) => (_process, Port, _folder) = (process, port, folder);

    public int Port { get; }

    /// <summary>It and what it started.</summary>
    public IReadOnlyList<int> Processes => [_process.Id, .. Load.ChildrenOf(_process.Id)];

    /// <summary>workerd from npm with a static config: nothing before it, nothing around it.</summary>
    public static async Task<WorkerPeer> WorkerdAsync(string source, CancellationToken cancellation)
    {
        var (folder, port) = (Directory.CreateTempSubdirectory("qd-bench-raw-").FullName, WorkersUnderTest.FreePort());
        await File.WriteAllTextAsync(Path.Combine(folder, "main.js"), source, cancellation);
        await File.WriteAllTextAsync(Path.Combine(folder, "raw.capnp"), $$"""
            using Workerd = import "/workerd/workerd.capnp";
            const config :Workerd.Config = ( v8Flags = ["--max-heap-size=64"],
              services = [ (name = "main", worker = ( modules = [ (name = "main.js", esModule = embed "main.js") ], compatibilityDate = "2026-04-01" )) ],
              sockets = [ (name = "http", address = "127.0.0.1:{{port}}", http = (), service = "main") ] );
            """, cancellation);
        var binary = Directory.EnumerateFiles(Path.Combine(ConsoleUnderTest.Root, "build", "workerd", "node_modules", "@cloudflare"), "workerd", SearchOption.AllDirectories).First();
        return await OpenAsync(binary, ["serve", Path.Combine(folder, "raw.capnp")], port, folder, cancellation);
    }

    /// <summary>miniflare from npm, as its documentation starts it.</summary>
    public static async Task<WorkerPeer> MiniflareAsync(string source, CancellationToken cancellation)
    {
        var peers = Path.Combine(ConsoleUnderTest.Root, "bench", "peers");
        if (!Directory.Exists(Path.Combine(peers, "node_modules", "miniflare"))) await Tools.RunAsync("npm", ["ci", "--ignore-scripts", "--no-progress", "--prefix", peers], cancellation);
        var port = WorkersUnderTest.FreePort();
        return await OpenAsync("node", [Path.Combine(peers, "miniflare.mjs"), $"{port}", source], port, null, cancellation);
    }

    /// <summary>Node's own <c>vm</c>, a context for each host name, made with its first request: no limits, no walls, and no API but this one.</summary>
    public static Task<WorkerPeer> NodeVmAsync(CancellationToken cancellation)
    {
        var port = WorkersUnderTest.FreePort();
        return OpenAsync("node", [Path.Combine(ConsoleUnderTest.Root, "bench", "peers", "vm.mjs"), $"{port}"], port, null, cancellation);
    }

    /// <summary>A second node of ours, which serves zones alone.</summary>
    public static async Task<WorkerPeer> NodeAsync(string database, string key, CancellationToken cancellation)
    {
        var (folder, port) = (Directory.CreateTempSubdirectory("qd-bench-node-").FullName, WorkersUnderTest.FreePort());
        var program = Path.Combine(ConsoleUnderTest.Root, "Console.Services", "bin", "Release", "net10.0", "Quarterdeck.Services.dll");
        return await OpenAsync("dotnet", [program, "--role", "workers", $"--QUARTERDECK_DATABASE={database}", $"--QUARTERDECK_KEY_FILE={key}", $"--QUARTERDECK_DATA={folder}", $"--QUARTERDECK_WORKER_URLS=http://127.0.0.1:{port}", "--Logging:LogLevel:Default=Warning"], port, folder, cancellation);
    }

    private static async Task<WorkerPeer> OpenAsync(string program, string[] arguments, int port, string? folder, CancellationToken cancellation)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        var peer = new WorkerPeer(process, port, folder ?? "");
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(50, cancellation))
        {
            using var probe = new TcpClient();
            try
            {
                await probe.ConnectAsync("127.0.0.1", port, cancellation);
                return peer;
            }
            catch (SocketException) when (clock.Elapsed.TotalSeconds < 60 && !process.HasExited) { }
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Ours ends its compute servers by itself when it is asked to.
        using (var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"])) await kill.WaitForExitAsync();
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try { await _process.WaitForExitAsync(late.Token); }
        catch (OperationCanceledException) { _process.Kill(entireProcessTree: true); }
        await _process.WaitForExitAsync();
        _process.Dispose();
        if (_folder.Length > 0) Directory.Delete(_folder, recursive: true);
    }
}
