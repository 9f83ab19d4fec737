namespace Quarterdeck.Platform.Processes;

/// <summary>Runs programs: no shell, an empty environment, bounded output, and no process left behind.</summary>
public sealed class ProcessRunner
{
    /// <summary>Runs a program to its end. When cancelled or out of time its whole process group gets SIGTERM, then SIGKILL after the grace.</summary>
    /// <exception cref="ProblemException">The program does not exist or may not be run (Unavailable), or wrote too much.</exception>
    /// <exception cref="TimeoutException">It ran longer than <see cref="ProcessSpec.Timeout"/>.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled; the processes are gone when this is thrown.</exception>
    public Task<ProcessOutcome> RunAsync(ProcessSpec spec, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Runs it and throws a problem with the end of its standard error unless it exits with 0.</summary>
    public Task<ProcessOutcome> RequireAsync(ProcessSpec spec, CancellationToken cancellation) => throw new NotImplementedException();
}
