using Quarterdeck.Platform;

namespace Quarterdeck.Operations;

/// <summary>A running operation whose steps the caller's own thread runs, until it hands the rest over.</summary>
/// <remarks>Disposed without <see cref="HandOverAsync"/> or <see cref="FailAsync"/> (the request broke off), it fails and is undone.
/// If the node dies meanwhile, recovery undoes it and calls it lost.</remarks>
public sealed class AttendedOperation : IAsyncDisposable
{
    /// <summary>The operation's id.</summary>
    public Guid Id => Context.Id;

    /// <summary>Steps, notes, progress and log, as a handler has them; the steps' keys are the handler's own, so that it finds them done.</summary>
    public IOperationContext Context => throw new NotImplementedException();

    /// <summary>Cancelled when someone cancels the operation or the console shuts down.</summary>
    public CancellationToken Cancellation => throw new NotImplementedException();

    /// <summary>Queues the rest; the handler finds the finished steps done. The locks stay held.</summary>
    public Task HandOverAsync(CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Undoes what was noted and ends it as failed (or cancelled, when that was asked for).</summary>
    public Task FailAsync(Problem problem, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Fails it unless it was handed over or failed.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
