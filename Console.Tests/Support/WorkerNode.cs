using System.Diagnostics;
using System.Text;
using Quarterdeck.Platform;

namespace Quarterdeck.Tests.Support;

/// <summary>A node of workers as a process of its own, <c>--role workers</c>, over a shared PostgreSQL; it can be killed.</summary>
public sealed class WorkerNode : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);
    private readonly string _data = Directory.CreateTempSubdirectory("qd-worker-node-").FullName;
    private readonly Process _process;

    /// <param name="name">Its name among the nodes.</param>
    /// <param name="database">The database's connection string.</param>
    /// <param name="key">The file with the key that all nodes share.</param>
    public WorkerNode(string name, string database, string key) => _process = Process.Start(new ProcessStartInfo("dotnet",
    [
        typeof(ConsoleOptions).Assembly.Location, "--role", "workers", $"--QUARTERDECK_DATABASE={database}", $"--QUARTERDECK_KEY_FILE={key}", $"--QUARTERDECK_DATA={_data}",
        "--QUARTERDECK_WORKER_URLS=http://127.0.0.1:0", "--Quarterdeck:Workers:Servers:Shards=1", $"--Quarterdeck:Operations:Node={name}",
    ]) { RedirectStandardOutput = true })!;

    /// <summary>Where its front listens, once it does: it says so in its log.</summary>
    public async Task<Uri> AddressAsync()
    {
        var said = new StringBuilder();
        using var patience = new CancellationTokenSource(Limit);
        while (await _process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            said.AppendLine(line);
            if (line.Split(' ').FirstOrDefault(word => word.StartsWith("http://127.0.0.1:", StringComparison.Ordinal)) is not { } address || address.EndsWith(":0", StringComparison.Ordinal)) continue;
            _ = Task.Run(async () => { while (await _process.StandardOutput.ReadLineAsync() is not null) { } }); // a full pipe would stop it
            return new Uri(address.TrimEnd('.', ',', '/'));
        }
        throw new InvalidOperationException($"The node ended. {said}");
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
        await LateFolder.DeleteAsync(_data);
    }
}
