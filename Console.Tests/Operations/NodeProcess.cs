using System.Diagnostics;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Operations;

/// <summary>A node in a process of its own, to be killed. Its handlers leave traces in a folder.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    public static readonly TimeSpan StepTime = TimeSpan.FromMilliseconds(250);
    public const int Steps = 6;
    private readonly Process _process;

    private NodeProcess(Process process) => _process = process;

    /// <summary>Starts a node and waits until it runs operations.</summary>
    public static async Task<NodeProcess> StartAsync(ConsoleOptions options, string name, string traces)
    {
        var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(NodeProcess).Assembly.Location, "operations-node", options.DataFolder, options.Database ?? "-", name, traces])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
            if (line == "ready") return new NodeProcess(process);
        throw new InvalidOperationException($"The node {name} ended with {process.ExitCode} before it was ready.");
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGSTOP or SIGCONT, SIGTERM.</summary>
    public async Task SignalAsync(string signal) => await Process.Start("kill", [$"-{signal}", _process.Id.ToString()]).WaitForExitAsync();

    /// <summary>Waits until it has ended by itself; returns the exit code.</summary>
    public async Task<int> ExitAsync(TimeSpan within)
    {
        using var patience = new CancellationTokenSource(within);
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) await KillAsync();
        _process.Dispose();
    }

    /// <summary>What the child process does.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var options = TestDatabase.OptionsFor(args[0], args[1] == "-" ? null : args[1]);
        var stop = new TaskCompletionSource();
        using var term = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, c => { c.Cancel = true; stop.TrySetResult(); });
        await using (var node = await TestNode.StartAsync(options, args[2], Handlers(args[3], args[2])))
        {
            System.Console.WriteLine("ready");
            // The parent's end closes the pipe: no orphan stays behind a killed test run.
            await Task.WhenAny(stop.Task, Task.Run(() => System.Console.OpenStandardInput().ReadByte(), CancellationToken.None));
        }
        return 0;
    }

    /// <summary><c>steps</c> resumes and appends a line a step; <c>fragile</c> does not, makes a file and removes it on undo; <c>last</c> holds on until it is cancelled.</summary>
    public static TestHandler[] Handlers(string traces, string node) =>
    [
        new("steps", async (operation, cancellation) =>
        {
            for (var i = 1; i <= Steps; i++)
                await operation.StepAsync($"step-{i}", $"Step {i}", async token =>
                {
                    await Task.Delay(StepTime, token);
                    await File.AppendAllTextAsync(Path.Combine(traces, $"{operation.Id}.steps"), $"{i} {node}\n", CancellationToken.None);
                });
            return new { node };
        }),
        new("fragile", async (operation, cancellation) =>
        {
            var file = Path.Combine(traces, $"{operation.Id}.made");
            await operation.NoteAsync("file", file);
            await File.WriteAllTextAsync(file, "", cancellation);
            await Task.Delay(TimeSpan.FromMinutes(1), cancellation);
            return null;
        }, (operation, notes) => { foreach (var note in notes) File.Delete(note.Value); return Task.CompletedTask; }) { Kind = new OperationKind("fragile", "Fragile", TestHandler.Permission) { Resumes = false } },
        new("endless", async (operation, cancellation) =>
        {
            await File.WriteAllTextAsync(Path.Combine(traces, $"{operation.Id}.begun"), node, CancellationToken.None);
            await Task.Delay(Timeout.Infinite, cancellation);
            return null;
        }),
    ];
}
