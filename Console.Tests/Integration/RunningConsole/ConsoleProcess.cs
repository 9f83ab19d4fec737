using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Quarterdeck.Tests.House;

namespace Quarterdeck.Tests.Integration.RunningConsole;

/// <summary>The built console as a process of its own, as <c>run.sh</c> starts it; it can be killed, ended, and started again on the same data.</summary>
internal sealed class ConsoleProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly StringBuilder _output = new();
    private readonly bool _ownsData;
    private Process? _process;

    /// <param name="data">The data folder; null for a temporary one that is removed at the end.</param>
    public ConsoleProcess(string? data = null)
    {
        _ownsData = data is null;
        Data = data ?? Directory.CreateTempSubdirectory("qd-console-").FullName;
        Port = FreePort();
        AppliancePort = FreePort();
        Rest = new RestClient(new Uri($"http://127.0.0.1:{Port}"), Token);
    }

    public string Data { get; }

    public int Port { get; }

    public int AppliancePort { get; }

    /// <summary>The administrator's token.</summary>
    public string Token { get; } = Guid.NewGuid().ToString("N") + Guid.NewGuid().ToString("N");

    public RestClient Rest { get; }

    /// <summary>Further environment of the next start.</summary>
    public Dictionary<string, string> Settings { get; } = [];

    /// <summary>Id of the process.</summary>
    public int Id => _process!.Id;

    /// <summary>All that the process wrote so far.</summary>
    public string Output { get { lock (_output) return _output.ToString(); } }

    /// <summary>Starts it and waits until it is ready.</summary>
    public async Task StartAsync()
    {
        Launch();
        var clock = Stopwatch.StartNew();
        while (!await Rest.IsReadyAsync())
        {
            if (_process!.HasExited) Assert.Fail($"The console ended with {_process.ExitCode}:\n{Output}");
            if (clock.Elapsed > Patience) Assert.Fail($"The console is not ready after {Patience.TotalSeconds} s: {await Rest.ReadinessAsync()}\n{Output}");
            await Task.Delay(50);
        }
    }

    /// <summary>Starts it without waiting.</summary>
    public void Launch()
    {
        if (_process is { HasExited: false }) throw new InvalidOperationException("The console runs already.");
        var start = new ProcessStartInfo("dotnet", [Path.Combine(Repository.Root, "Console.Web", "bin", Configuration, "net10.0", "Quarterdeck.Web.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Data,
            Environment =
            {
                ["QUARTERDECK_DATA"] = Data,
                ["QUARTERDECK_URLS"] = $"http://127.0.0.1:{Port}",
                ["QUARTERDECK_ADMIN_TOKEN"] = Token,
                ["QUARTERDECK_ADMIN_PASSWORD"] = "correct horse battery staple 1",
                ["QUARTERDECK_APPLIANCE_URL"] = $"https://10.0.2.2:{AppliancePort}",
                // A killed node is noticed sooner than a person would want it to be.
                ["Quarterdeck__Operations__Heartbeat"] = "00:00:00.3",
                ["Quarterdeck__Operations__DeadAfter"] = "00:00:01.5",
            },
        };
        foreach (var (key, value) in Settings) start.Environment[key] = value;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM; returns how long it took to end, and its exit code.</summary>
    public async Task<(TimeSpan Took, int Code)> TerminateAsync()
    {
        var clock = Stopwatch.StartNew();
        using (var kill = Process.Start("kill", ["-TERM", _process!.Id.ToString()])) await kill.WaitForExitAsync();
        using var limit = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(limit.Token);
        return (clock.Elapsed, _process.ExitCode);
    }

    /// <summary>Waits until it ends by itself; returns its exit code.</summary>
    public async Task<int> EndedAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        await _process!.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false }) await KillAsync();
        _process?.Dispose();
        Rest.Dispose();
        if (_ownsData) Directory.Delete(Data, recursive: true);
    }

    /// <summary>A loopback port that nobody listens on.</summary>
    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Debug or Release, as these tests were built.</summary>
    private static string Configuration => Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/')))!;

    private void Keep(string? line)
    {
        if (line is null) return;
        lock (_output) _output.AppendLine(line);
    }
}
