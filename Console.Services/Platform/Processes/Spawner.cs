using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;

namespace Quarterdeck.Platform.Processes;

/// <summary>Forks on one thread that lives as long as the console.</summary>
internal sealed class Spawner
{
    private readonly BlockingCollection<(ProcessStartInfo Info, TaskCompletionSource<Process> Started)> _wanted = [];

    public Spawner() => new Thread(Run) { IsBackground = true, Name = "process spawner" }.Start();

    /// <summary>Starts a process.</summary>
    public Task<Process> StartAsync(ProcessStartInfo info)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        _wanted.Add((info, started));
        return started.Task;
    }

    private void Run()
    {
        foreach (var (info, started) in _wanted.GetConsumingEnumerable())
        {
            try
            {
                started.SetResult(Process.Start(info)!);
            }
            catch (Win32Exception e)
            {
                started.SetException(new ProblemException(Problem.Unavailable("A program cannot be started", $"'{info.FileName}': {e.Message}."), e));
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        }
    }
}
