using Quarterdeck.Backups;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;

namespace Quarterdeck.Restores.Disks;

/// <summary>One closed image file served for writing by a qemu-nbd of its own, and the only client of it.</summary>
/// <remarks>QEMU locks the image while it is open: a VM that has it open refuses this, and the other way round. The kernel ends qemu-nbd with the console.</remarks>
internal sealed class DiskServer : IAsyncDisposable
{
    private const string Program = "/usr/bin/qemu-nbd";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), Poll = TimeSpan.FromMilliseconds(3);
    private readonly CancellationTokenSource _end = new();
    private readonly Task<ProcessOutcome> _process;
    private NbdClient? _client;

    private DiskServer(Task<ProcessOutcome> process, CancellationTokenSource end) => (_process, _end) = (process, end);

    /// <summary>The connection to it.</summary>
    public NbdClient Client => _client!;

    /// <summary>Opens an image.</summary>
    /// <param name="runner">Starts the server.</param>
    /// <param name="path">The file; nothing else may have it open.</param>
    /// <param name="format">Named to the server, which guesses nothing.</param>
    /// <param name="flushes">Whether its flush shall reach the medium; not needed for a file that is thrown away after a crash and synchronised by itself.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ProblemException">The image cannot be opened; the problem has QEMU's words.</exception>
    /// <exception cref="TransientException">The server was killed before it answered.</exception>
    public static async Task<DiskServer> OpenAsync(ProcessRunner runner, string path, string format, bool flushes, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("qd-restore-").FullName;
        try
        {
            var socket = Path.Combine(folder, "nbd");
            var end = new CancellationTokenSource();
            var process = runner.RunAsync(new ProcessSpec(Program, [$"--socket={socket}", $"--format={format}", $"--cache={(flushes ? "writeback" : "unsafe")}", "--discard=unmap", path]), end.Token);
            var server = new DiskServer(process, end);
            try
            {
                await server.ConnectAsync(path, socket, cancellation);
                return server;
            }
            catch
            {
                await server.DisposeAsync();
                throw;
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true); // the connection lives on without the socket's name
        }
    }

    /// <summary>Hangs up; the server then writes what it holds, closes the image and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_client is not null) await _client.DisposeAsync();
        else await _end.CancelAsync();
        try { await _process.WaitAsync(Patience); }
        catch (TimeoutException) { await _end.CancelAsync(); }
        catch (OperationCanceledException) { /* it was told to end */ }
        catch (ProblemException) when (_client is null) { /* it never began; the one who waits for it is told */ }
        _end.Dispose();
    }

    private async Task ConnectAsync(string path, string socket, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        while (true)
        {
            if (_process.IsCompleted) throw Ended(path, await _process);
            if (File.Exists(socket))
            {
                try
                {
                    _client = await NbdClient.ConnectAsync(socket, "", [], limit.Token);
                    return;
                }
                catch (NbdException) when (!limit.IsCancellationRequested) { /* bound, and not listening yet; or killed meanwhile, which the next turn sees */ }
            }
            await Task.Delay(Poll, limit.Token);
        }
    }

    // One that a signal ended refused nothing: it may be started again.
    private static Exception Ended(string path, ProcessOutcome ended) => ended.ExitCode > 128
        ? new TransientException($"The program that opens '{path}' was ended by signal {ended.ExitCode - 128} before it answered.")
        : new ProblemException(Refused(path, ended.Error));

    private static Problem Refused(string path, string error) => error.Contains("lock", StringComparison.OrdinalIgnoreCase)
        ? Problem.Conflict("The disk is in use", $"'{path}' is open in another program, perhaps a VM that was started meanwhile. Stop it, then try again. QEMU says: {error.Trim()}")
        : Problem.Conflict("The disk cannot be opened", $"'{path}': {(error.Trim().Length > 0 ? error.Trim() : "qemu-nbd said nothing.")}");
}
