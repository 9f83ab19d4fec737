using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Database;
using Quarterdeck.Operations.Store;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations.Running;

/// <summary>Runs operations on this node: claims, hands to the handler, and brings to an end, whatever happens on the way.</summary>
internal sealed partial class OperationRunner(
    OperationStore operations, OperationKinds kinds, RunFactory runs, RunEnding ending, RunRegistry registry, ReadyQueue ready, OperationFeed feed,
    NodeIdentity node, Patience patience, IOptions<OperationsOptions> options, TimeProvider time, ILogger<OperationRunner> logger)
{
    /// <summary>Runs a queued operation to its end, or until it goes back to the queue. Does nothing when it is not to be had (any more).</summary>
    public async Task RunAsync(Guid id, CancellationToken cancellation)
    {
        IReadOnlyList<Ready> next = [];
        using (var slot = registry.Reserve(id))
        {
            if (slot is null) return;
            var row = await patience.WithAsync(token => operations.ClaimAsync(id, node.Token, node.Name, token), cancellation);
            if (row is null) return;
            using var run = await runs.OpenAsync(row, cancellation);
            slot.Run = run;
            feed.Changed(id);
            using (LogBridge.Enter(run)) next = await GuardedAsync(run, () => ExecuteAsync(run));
        }
        // Only now, when the place is free: the operation itself may be among them.
        ready.Add(next);
        feed.Changed(id);
    }

    /// <summary>Ends an attended operation that its own thread gave up.</summary>
    public Task<IReadOnlyList<Ready>> GiveUpAsync(OperationRun run, OperationState state, Problem? problem) =>
        GuardedAsync(run, () => ending.EndBadlyAsync(run, kinds.Find(run.Row.Kind), state, problem));

    private async Task<IReadOnlyList<Ready>> GuardedAsync(OperationRun run, Func<Task<IReadOnlyList<Ready>>> body)
    {
        try
        {
            return await body();
        }
        catch (FencedException)
        {
            Log.Fenced(logger, run.Id, run.Attempt);
        }
        catch (DatabaseAwayException e)
        {
            Log.Left(logger, run.Id, e);
        }
        return [];
    }

    private async Task<IReadOnlyList<Ready>> ExecuteAsync(OperationRun run)
    {
        var handler = kinds.Find(run.Row.Kind);
        if (run.Row.Decided is { } decided) return await ending.EndBadlyAsync(run, handler, decided, null);
        if (handler is null)
            return await ending.EndBadlyAsync(run, null, OperationState.Failed, Problem.Unavailable("Unknown kind of operation", $"This version of the console does not know '{run.Row.Kind}'. Start the version that queued it, then retry."));
        if (run.Reason is StopReason.Cancelled) return await ending.EndBadlyAsync(run, handler, OperationState.Cancelled, null);
        if (run.Row.Crashes + run.Row.Failures > 0) run.Log($"Attempt {run.Attempt}, on {node.Name}.");
        try
        {
            var result = await handler.RunAsync(run, run.Token);
            return await ending.EndWellAsync(run, result);
        }
        catch (Exception e) when (e is not (FencedException or DatabaseAwayException) && run.Reason is not StopReason.Fenced)
        {
            return await AfterFailureAsync(run, handler, e);
        }
        catch (Exception e) when (run.Reason is StopReason.Fenced && e is not FencedException)
        {
            throw new FencedException(run.Id);
        }
    }

    private async Task<IReadOnlyList<Ready>> AfterFailureAsync(OperationRun run, IOperationHandler handler, Exception error)
    {
        if (run.Reason is StopReason.Cancelled) return await ending.EndBadlyAsync(run, handler, OperationState.Cancelled, null);
        if (run.Reason is StopReason.Shutdown)
        {
            if (!handler.Kind.Resumes) return await ending.EndBadlyAsync(run, handler, OperationState.Lost, Remedies.Lost(run.Row, node.Name));
            run.Log("The console shuts down; the operation goes on later, after its finished steps.");
            return await ending.BackToQueueAsync(run, new Requeue());
        }
        if (error is DatabaseUnavailableException) error = new TransientException(error.Message, error);
        if (error is TransientException && run.Row.Failures + 1 < handler.Kind.MaxAttempts)
        {
            var wait = Backoff(run.Row.Failures);
            run.Journal.Write(LogLevel.Warning, $"{error.Message} Next try in {wait.TotalSeconds:0} s.");
            return await ending.BackToQueueAsync(run, new Requeue { Failed = true, NotBefore = time.GetUtcNow() + wait, Problem = Remedies.Trying(error, run.Row.Failures + 1, handler.Kind.MaxAttempts) });
        }
        var problem = (error as ProblemException)?.Problem ?? Remedies.Failed(error, run.Row.Failures + 1);
        run.Journal.Write(LogLevel.Error, $"{problem.Title}: {problem.Detail}");
        if (error is not (ProblemException or TransientException)) Log.Threw(logger, run.Id, run.Row.Kind, error);
        return await ending.EndBadlyAsync(run, handler, OperationState.Failed, problem);
    }

    /// <summary>Doubles with each failure, up to the bound; a random part keeps many that failed together apart.</summary>
    private TimeSpan Backoff(int failures)
    {
        var settings = options.Value;
        var wait = Math.Min(settings.Backoff.TotalSeconds * Math.Pow(2, failures), settings.MaxBackoff.TotalSeconds);
        return TimeSpan.FromSeconds(wait * (0.9 + Random.Shared.NextDouble() * 0.2));
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Operation {Id} was taken from this node in attempt {Attempt}; its run here ended without a trace.")]
        public static partial void Fenced(ILogger logger, Guid id, int attempt);

        [LoggerMessage(LogLevel.Error, "Operation {Id} stops here because the database is away; it goes on once the database is back.")]
        public static partial void Left(ILogger logger, Guid id, Exception error);

        [LoggerMessage(LogLevel.Error, "Operation {Id} ({Kind}) failed unexpectedly.")]
        public static partial void Threw(ILogger logger, Guid id, string kind, Exception error);
    }
}
