using Quarterdeck.Operations.Running;
using Quarterdeck.Operations.Store;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations;

/// <summary>A running operation whose steps the caller's own thread runs, until it hands the rest over.</summary>
/// <remarks>Disposed without <see cref="HandOverAsync"/> or <see cref="FailAsync"/> (the request broke off), it fails and is undone.
/// If the node dies meanwhile, recovery undoes it and calls it lost.</remarks>
public sealed class AttendedOperation : IAsyncDisposable
{
    private readonly OperationsCore _core;
    private readonly RunRegistry.Slot _slot;
    private readonly OperationRun _run;
    private readonly IDisposable _log;
    private int _over;

    internal AttendedOperation(OperationsCore core, RunRegistry.Slot slot)
    {
        (_core, _slot, _run) = (core, slot, slot.Run!);
        _log = LogBridge.Enter(_run);
    }

    /// <summary>The operation's id.</summary>
    public Guid Id => _run.Id;

    /// <summary>Steps, notes, progress and log, as a handler has them; the steps' keys are the handler's own, so that it finds them done.</summary>
    public IOperationContext Context => _run;

    /// <summary>Cancelled when someone cancels the operation or the console shuts down.</summary>
    public CancellationToken Cancellation => _run.Token;

    /// <summary>Queues the rest; the handler finds the finished steps done. The locks stay held.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled meanwhile; it is undone when this is disposed.</exception>
    public async Task HandOverAsync(CancellationToken cancellation)
    {
        _run.Token.ThrowIfCancellationRequested();
        if (Interlocked.Exchange(ref _over, 1) != 0) throw new InvalidOperationException("The operation was handed over or has failed already.");
        IReadOnlyList<Ready> ready;
        // A run that was taken away belongs to recovery: there is nothing left to hand over.
        try { ready = await _core.Ending.BackToQueueAsync(_run, new Requeue()); }
        catch (FencedException) { ready = []; }
        Leave(ready);
    }

    /// <summary>Undoes what was noted and ends it as failed (or cancelled, when that was asked for).</summary>
    public async Task FailAsync(Problem problem, CancellationToken cancellation)
    {
        if (Interlocked.Exchange(ref _over, 1) != 0) return;
        var (state, why) = _run.Reason switch
        {
            StopReason.Cancelled => (OperationState.Cancelled, null),
            StopReason.Shutdown => (OperationState.Lost, Remedies.Lost(_run.Row, _core.Node.Name)),
            _ => (OperationState.Failed, problem),
        };
        Leave(await _core.Runner.GiveUpAsync(_run, state, why));
    }

    /// <summary>Fails it unless it was handed over or failed.</summary>
    public async ValueTask DisposeAsync()
    {
        await FailAsync(Problem.Unavailable("The request broke off", $"The connection ended before '{_run.Row.Title}' of {_run.Row.TargetName} had what it needs. Send the request again."), CancellationToken.None);
    }

    private void Leave(IReadOnlyList<Ready> ready)
    {
        _log.Dispose();
        _slot.Dispose();
        _run.Dispose();
        _core.Ready.Add(ready);
        _core.Feed.Changed(_run.Id);
    }
}
