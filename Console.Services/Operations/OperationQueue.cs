using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations;

/// <summary>Where operations are started, cancelled and retried; every other room's way to do something long.</summary>
public sealed class OperationQueue
{
    /// <summary>Queues an operation; returns its id as soon as it is durable.</summary>
    /// <returns>Refused when the caller lacks the kind's permission, or the parent has ended already.</returns>
    public Task<Result<Guid>> EnqueueAsync(Caller caller, NewOperation operation, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Queues several in one transaction: all or none.</summary>
    public Task<Result<IReadOnlyList<Guid>>> EnqueueAsync(Caller caller, IReadOnlyList<NewOperation> operations, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Begins an operation whose first steps the caller's own thread runs (an upload being streamed), with the locks taken at once.</summary>
    /// <returns>Refused with a conflict when a lock is held by another operation.</returns>
    public Task<Result<AttendedOperation>> BeginAttendedAsync(Caller caller, NewOperation operation, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Asks for cancellation, whichever node runs it; a queued operation ends at once. Its parts are cancelled with it.</summary>
    /// <returns>Refused with a conflict when it has ended already.</returns>
    public Task<Result<Done>> CancelAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Queues a failed, cancelled or lost operation again under the same id. What it had made was undone, so every step runs anew.</summary>
    /// <returns>Refused with a conflict when it has not ended so, or its kind is not retryable.</returns>
    public Task<Result<Done>> RetryAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();
}
