using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;

namespace Quarterdeck.Backups.Capture;

/// <summary>A qemu-nbd that serves one image, read-only, on a socket that nobody else can reach.</summary>
internal sealed class DiskServer(ProcessRunner processes, string socket, DomainDisk disk, string? bitmap) : IAsyncDisposable
{
    /// <summary>The name of its only export.</summary>
    public const string Export = "disk";

    private const string Program = "/usr/bin/qemu-nbd";
    private const int Connections = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), Poll = TimeSpan.FromMilliseconds(20);

    private readonly CancellationTokenSource _end = new();
    private Task<ProcessOutcome>? _process;

    /// <summary>Where it listens.</summary>
    public string Socket => socket;

    /// <summary>Starts it and waits until it answers.</summary>
    /// <exception cref="ProblemException">It ended, with its words: such as that a running QEMU has the image.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        List<string> arguments = ["--read-only", $"--format={disk.Format}", $"--socket={socket}", $"--export-name={Export}", "--persistent", $"--shared={Connections}", "--aio=threads", "--cache=writeback"];
        if (bitmap is not null) arguments.Add($"--bitmap={bitmap}");
        _process = processes.RunAsync(new ProcessSpec(Program, [.. arguments, "--", disk.Path!]), _end.Token);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        while (true)
        {
            if (_process.IsCompleted)
            {
                var outcome = await _process;
                throw new ProblemException(Problem.Conflict("A disk cannot be read", $"Disk {disk.Target} ('{disk.Path}'): {outcome.Error.Trim()}"));
            }
            try
            {
                if (File.Exists(socket))
                {
                    await (await NbdClient.ConnectAsync(socket, Export, [], limit.Token)).DisposeAsync();
                    return;
                }
            }
            catch (Exception e) when (e is NbdException or OperationCanceledException && !cancellation.IsCancellationRequested) { /* not listening yet */ }
            if (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
                throw new ProblemException(Problem.Unavailable("A disk cannot be read", $"Disk {disk.Target} ('{disk.Path}') was not served within {Patience.TotalSeconds:0} s."));
            await Task.Delay(Poll, cancellation);
        }
    }

    /// <summary>Ends it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        if (_process is not null)
        {
            try { await _process; }
            catch (Exception e) when (e is OperationCanceledException or ProblemException) { /* ended as told */ }
        }
        _end.Dispose();
    }
}
