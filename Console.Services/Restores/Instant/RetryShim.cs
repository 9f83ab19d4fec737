using System.Globalization;
using Quarterdeck.Backups;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Restores.Exports;

namespace Quarterdeck.Restores.Instant;

/// <summary>The one that a VM's QEMU is really connected to: an nbdkit that outlives the console, and asks again while nobody serves the export.</summary>
/// <remarks>QEMU never takes up a broken connection again, and may not survive one that breaks under a job (7.2 does not always).
/// So that connection must not break when the console is killed: guests only wait until the next console serves the same socket.</remarks>
internal sealed class RetryShim(ProcessRunner runner)
{
    private const string Program = "/usr/bin/nbdkit", SetSid = "/usr/bin/setsid";
    private const int Tries = 45;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30), Poll = TimeSpan.FromMilliseconds(20);

    /// <summary>Whether this machine has the program.</summary>
    public static bool IsInstalled => File.Exists(Program);

    /// <summary>Starts one unless it runs.</summary>
    /// <param name="socket">Where QEMU connects.</param>
    /// <param name="export">Where the console serves.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Whether it was started now: whoever was connected to the one before has lost it.</returns>
    public async Task<bool> EnsureAsync(string socket, string export, CancellationToken cancellation)
    {
        if (ProcessOf(socket) is not null) return false;
        File.Delete(socket);
        // A session of its own, and in the background: neither the end of this process group nor that of the console is its end.
        await runner.RequireAsync(new ProcessSpec(SetSid, ["--fork", "--wait", Program, "--readonly", "--unix", socket, "--pidfile", PidFile(socket), "--filter=retry", "nbd", $"socket={export}", "shared=false",
            string.Create(CultureInfo.InvariantCulture, $"retries={Tries}"), "retry-delay=1", "retry-exponential=no"]) { Timeout = Patience }, cancellation);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            while (!File.Exists(socket) || ProcessOf(socket) is null) await Task.Delay(Poll, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new ProblemException(Problem.Unavailable("The disk cannot be served", $"'{Program}' did not begin to serve '{socket}' within {Patience.TotalSeconds:0} s."));
        }
        Peer.LetQemuConnect(socket);
        return true;
    }

    /// <summary>Ends it; QEMU must not need it any more. Nothing happens when none runs.</summary>
    public async Task EndAsync(string socket)
    {
        if (ProcessOf(socket) is { } process) await runner.RunAsync(new ProcessSpec("/usr/bin/kill", ["-TERM", process.ToString(CultureInfo.InvariantCulture)]), CancellationToken.None);
        File.Delete(socket);
        File.Delete(PidFile(socket));
    }

    /// <summary>Whether bytes flow, all the way from the repository.</summary>
    public static async Task<bool> FlowsAsync(string socket, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            await using var client = await NbdClient.ConnectAsync(socket, "", [], limit.Token);
            await client.ReadAsync(0, new byte[512], limit.Token);
            return true;
        }
        catch (Exception e) when (e is NbdException or OperationCanceledException && !cancellation.IsCancellationRequested) { return false; }
    }

    // A number alone may belong to another program by now.
    private static int? ProcessOf(string socket)
    {
        try
        {
            return int.TryParse(File.ReadAllText(PidFile(socket)).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && File.ReadAllText($"/proc/{id}/cmdline").Split('\0').Contains(socket) ? id : null;
        }
        catch (IOException) { return null; }
    }

    private static string PidFile(string socket) => socket + ".pid";
}
