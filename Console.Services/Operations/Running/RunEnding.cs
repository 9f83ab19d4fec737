using Microsoft.Extensions.Logging;
using Quarterdeck.Operations.Store;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations.Running;

/// <summary>The ways a run ends: well, badly after its undo, or back in the queue.</summary>
internal sealed class RunEnding(OperationStore operations, EndingStore endings, StepStore steps, Canceller canceller, OperationFeed feed, Patience patience, TimeProvider time)
{
    private const int UndoTries = 3;

    public async Task<IReadOnlyList<Ready>> EndWellAsync(OperationRun run, object? result) =>
        await EndAsync(run, run.Journal.Warnings > 0 ? OperationState.Warning : OperationState.Succeeded, result is null ? null : Json.Write(result), null);

    /// <summary>Decides, cancels the parts, undoes, ends. With parts outstanding it stops after the decision: the last part brings the operation back here.</summary>
    public async Task<IReadOnlyList<Ready>> EndBadlyAsync(OperationRun run, IOperationHandler? handler, OperationState state, Problem? problem)
    {
        if (await patience.WithAsync(token => endings.DecideAsync(run.Lease, state, problem, token), CancellationToken.None))
        {
            await patience.WithAsync(token => canceller.CancelPartsAsync(run.Id, token), CancellationToken.None);
            return [];
        }
        problem ??= Json.Read<Problem>(run.Row.Problem);
        if (handler is not null)
        {
            var (undone, left) = await UndoAsync(run, handler);
            if (!undone) return await BackToQueueAsync(run, new Requeue());
            if (left is not null)
            {
                problem = problem is null ? left : problem with { Detail = $"{problem.Detail} {left.Detail}" };
                if (state is OperationState.Cancelled) state = OperationState.Failed;
            }
        }
        // Cancelled is no failure: the reason of an earlier try would only mislead.
        return await EndAsync(run, state, null, state is OperationState.Cancelled ? null : problem);
    }

    public async Task<IReadOnlyList<Ready>> BackToQueueAsync(OperationRun run, Requeue why)
    {
        await patience.WithAsync(run.FlushAsync, CancellationToken.None);
        if (!await patience.WithAsync(token => operations.RequeueAsync(run.Lease, why, token), CancellationToken.None)) throw new FencedException(run.Id);
        return [new Ready(run.Id, run.Attempt, why.NotBefore)];
    }

    private async Task<IReadOnlyList<Ready>> EndAsync(OperationRun run, OperationState state, string? result, Problem? problem)
    {
        var entries = await run.TakeJournalAsync();
        var freed = await patience.WithAsync(token => endings.EndAsync(run.Lease, run.Row, state, result, problem,
            connection => StepStore.WriteJournalAsync(connection, run.Id, entries.Progress, entries.Warnings, entries.Lines), token), CancellationToken.None);
        feed.Changed(freed.Changed);
        return freed.Ready;
    }

    /// <summary>Whether undo came to an end (false: the console shuts down, it goes on later), and what it could not remove.</summary>
    private async Task<(bool Undone, Problem? Left)> UndoAsync(OperationRun run, IOperationHandler handler)
    {
        run.BeginUndo();
        var notes = await patience.WithAsync(token => steps.NotesAsync(run.Id, token), CancellationToken.None);
        for (var tries = 1; ; tries++)
        {
            try
            {
                await run.HoldAsync(HoldPoint.Undo, HoldPoint.Begin);
                await handler.UndoAsync(run, notes, run.Token);
                await run.HoldAsync(HoldPoint.Undo, HoldPoint.End);
                return (true, null);
            }
            catch (Exception) when (run.Reason is StopReason.Fenced)
            {
                throw new FencedException(run.Id);
            }
            catch (Exception) when (run.Reason is StopReason.Shutdown)
            {
                return (false, null);
            }
            catch (Exception e) when (e is not (FencedException or DatabaseAwayException))
            {
                run.Journal.Write(LogLevel.Error, $"Removing what was made failed (try {tries} of {UndoTries}): {e.Message}");
                if (tries == UndoTries) return (true, Remedies.LeftBehind(e, notes));
            }
            try { await Task.Delay(TimeSpan.FromSeconds(tries), time, run.Token); }
            catch (OperationCanceledException) { } // the next try sees why
        }
    }
}
