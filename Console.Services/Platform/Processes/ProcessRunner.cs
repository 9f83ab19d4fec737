using System.Diagnostics;

namespace Quarterdeck.Platform.Processes;

/// <summary>Runs programs: no shell, an empty environment, bounded output, and no process left behind.</summary>
/// <remarks>Each program leads a session and process group of its own, so that its children can be ended with it. When the console itself is killed, the kernel kills the program (parent-death signal).</remarks>
public sealed class ProcessRunner
{
    private const int ErrorBytes = 16 << 10;
    private const string SetSid = "/usr/bin/setsid";
    private const string SetPriv = "/usr/bin/setpriv";

    // The kernel sends the parent-death signal when the thread that forked ends, so one thread that never ends does it.
    private static readonly Lazy<Spawner> Spawn = new(() => new Spawner());

    /// <summary>Runs a program to its end. When cancelled or out of time its whole process group gets SIGTERM, then SIGKILL after the grace.</summary>
    /// <exception cref="ProblemException">The program does not exist or may not be run (Unavailable), or wrote too much.</exception>
    /// <exception cref="TimeoutException">It ran longer than <see cref="ProcessSpec.Timeout"/>.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled; the processes are gone when this is thrown.</exception>
    public async Task<ProcessOutcome> RunAsync(ProcessSpec spec, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Check(spec);
        var began = Stopwatch.GetTimestamp();
        using var process = await Spawn.Value.StartAsync(StartInfo(spec));
        var group = new ProcessGroup(process);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (spec.Timeout is { } timeout) ending.CancelAfter(timeout);
        var error = new ErrorTail(ErrorBytes, spec.ErrorLine);
        try
        {
            var output = new MemoryStream();
            var pumps = new List<Task>
            {
                PumpInputAsync(process, spec, ending.Token),
                PumpOutputAsync(process, spec, output, ending.Token),
                error.ReadAsync(process.StandardError.BaseStream, ending.Token),
                EndedAsync(process, group, spec.Grace, ending.Token),
            };
            // The first pump that fails ends all of it; waiting for the others could last for ever.
            while (pumps.Count > 0)
            {
                var ended = await Task.WhenAny(pumps);
                await ended;
                pumps.Remove(ended);
            }
            return new ProcessOutcome(process.ExitCode, output.ToArray(), error.ToString(), Stopwatch.GetElapsedTime(began));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && ending.IsCancellationRequested)
        {
            throw new TimeoutException($"'{spec.Program}' did not end within {spec.Timeout}. {error}".TrimEnd());
        }
        finally
        {
            await ending.CancelAsync();
            await group.EndAsync(spec.Grace);
        }
    }

    /// <summary>Starts a program that is meant to run on, without input; <see cref="ProcessSpec.Timeout"/> does not apply. Dispose what is returned: until then it runs.</summary>
    /// <exception cref="ProblemException">The program does not exist or may not be run (Unavailable).</exception>
    public async Task<RunningProcess> StartAsync(ProcessSpec spec)
    {
        Check(spec);
        return new RunningProcess(await Spawn.Value.StartAsync(StartInfo(spec)), spec);
    }

    /// <summary>Runs it and throws a problem with the end of its standard error unless it exits with 0.</summary>
    /// <exception cref="ProblemException">As <see cref="RunAsync"/>, and when the exit code is not 0.</exception>
    public async Task<ProcessOutcome> RequireAsync(ProcessSpec spec, CancellationToken cancellation)
    {
        var outcome = await RunAsync(spec, cancellation);
        return outcome.Ok ? outcome : throw new ProblemException(Problem.Unavailable($"{Path.GetFileName(spec.Program)} failed",
            $"'{spec.Program}' ended with code {outcome.ExitCode}. {(outcome.Error.Length > 0 ? outcome.Error.Trim() : "It said nothing.")}"));
    }

    private static void Check(ProcessSpec spec)
    {
        if (!Path.IsPathRooted(spec.Program)) throw new ArgumentException($"'{spec.Program}' is not an absolute path.", nameof(spec));
        foreach (var needed in (string[])[spec.Program, SetSid, SetPriv])
        {
            if (!File.Exists(needed))
                throw new ProblemException(Problem.Unavailable("A program is missing", $"There is no '{needed}' on this machine. Install the package that has it."));
            if ((File.GetUnixFileMode(needed) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) == 0)
                throw new ProblemException(Problem.Unavailable("A program cannot be run", $"'{needed}' is not executable. Its mode must allow it (chmod +x)."));
        }
        if (!Directory.Exists(spec.WorkingDirectory))
            throw new ProblemException(Problem.Unavailable("A folder is missing", $"There is no folder '{spec.WorkingDirectory}' to run '{spec.Program}' in."));
    }

    private static ProcessStartInfo StartInfo(ProcessSpec spec)
    {
        // Both replace themselves by the next program: the process keeps its id from setsid to the end.
        var info = new ProcessStartInfo(SetSid, [SetPriv, "--pdeathsig", "KILL", "--", spec.Program, .. spec.Arguments])
        {
            WorkingDirectory = spec.WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.Environment.Clear();
        foreach (var (name, value) in spec.Environment) info.Environment[name] = value;
        return info;
    }

    // What the program left in the background may hold its output open, and would keep the pumps waiting.
    private static async Task EndedAsync(Process process, ProcessGroup group, TimeSpan grace, CancellationToken cancellation)
    {
        await process.WaitForExitAsync(cancellation);
        await group.EndAsync(grace);
    }

    private static async Task PumpInputAsync(Process process, ProcessSpec spec, CancellationToken cancellation)
    {
        try
        {
            await using var input = process.StandardInput.BaseStream;
            if (spec.Input is not null) await spec.Input(input, cancellation);
        }
        catch (IOException) when (spec.Input is not null)
        {
            // The program closed its input before it had read all: its exit code tells whether that was wrong.
        }
    }

    private static async Task PumpOutputAsync(Process process, ProcessSpec spec, MemoryStream collected, CancellationToken cancellation)
    {
        var from = process.StandardOutput.BaseStream;
        if (spec.Output is not null)
        {
            await spec.Output(from, cancellation);
            // What the reader left over must not block the program.
            await from.CopyToAsync(Stream.Null, cancellation);
            return;
        }
        var buffer = new byte[16 << 10];
        while (await from.ReadAsync(buffer, cancellation) is var read and > 0)
        {
            if (collected.Length + read > spec.MaxOutputBytes)
                throw new ProblemException(Problem.TooLarge($"'{spec.Program}' wrote more than {spec.MaxOutputBytes} bytes and was ended."));
            collected.Write(buffer.AsSpan(0, read));
        }
    }
}
