using System.Diagnostics;

namespace Quarterdeck.Platform.Processes;

/// <summary>A program that runs until it ends by itself or is ended; from <see cref="ProcessRunner.StartAsync"/>.</summary>
public sealed class RunningProcess : IAsyncDisposable
{
    private const int ErrorBytes = 16 << 10;

    private readonly Process _process;
    private readonly ProcessGroup _group;
    private readonly ProcessSpec _spec;
    private readonly CancellationTokenSource _ending = new();
    private readonly ErrorTail _error;
    private readonly long _began = Stopwatch.GetTimestamp();

    internal RunningProcess(Process process, ProcessSpec spec)
    {
        (_process, _spec, _group, Id) = (process, spec, new ProcessGroup(process), process.Id);
        _error = new ErrorTail(ErrorBytes, spec.ErrorLine);
        process.StandardInput.Close();
        Exited = process.WaitForExitAsync();
        Ended = FollowAsync();
    }

    /// <summary>The process id; the program replaces setsid and setpriv, so it is the program's own.</summary>
    public int Id { get; }

    /// <summary>Completes at once when the program has ended; what it wrote last may not have been read yet.</summary>
    public Task Exited { get; }

    /// <summary>Completes, never fails, when the program has ended, by itself or not; standard output is not collected.</summary>
    public Task<ProcessOutcome> Ended { get; }

    /// <summary>SIGKILL to the program and all that it started.</summary>
    public void Kill() => _group.Kill();

    /// <summary>SIGTERM, then SIGKILL after <see cref="ProcessSpec.Grace"/>; returns when all have ended.</summary>
    public async Task StopAsync()
    {
        await _group.EndAsync(_spec.Grace);
        await Ended;
    }

    /// <summary>Ends it.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _ending.Dispose();
        _process.Dispose();
    }

    private async Task<ProcessOutcome> FollowAsync()
    {
        var pumps = Task.WhenAll(_error.ReadAsync(_process.StandardError.BaseStream, _ending.Token), OutputAsync());
        await Exited;
        await _group.EndAsync(_spec.Grace); // what it left behind
        try
        {
            // A grandchild in another group may hold the pipes open; what it says is nobody's business.
            _ending.CancelAfter(TimeSpan.FromSeconds(2));
            await pumps;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException) { }
        return new ProcessOutcome(_process.ExitCode, [], _error.ToString(), Stopwatch.GetElapsedTime(_began));
    }

    private async Task OutputAsync()
    {
        var from = _process.StandardOutput.BaseStream;
        if (_spec.Output is { } reader) await reader(from, _ending.Token);
        await from.CopyToAsync(Stream.Null, _ending.Token);
    }
}
