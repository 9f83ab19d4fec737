using Quarterdeck.Access;

namespace Quarterdeck.Operations;

/// <summary>Where an operation stands. The last five are final.</summary>
public enum OperationState { Queued, Running, Succeeded, Warning, Failed, Cancelled, Lost }

/// <summary>How a lock is shared.</summary>
public enum LockMode { Shared, Exclusive }

/// <summary>A resource that an operation holds while it runs: many may share it, or one has it alone.</summary>
/// <param name="Resource"><c>kind:id</c>, such as <c>vm:0199…</c>.</param>
/// <param name="Mode">Shared or exclusive.</param>
public sealed record ResourceLock(string Resource, LockMode Mode);

/// <summary>A kind of operation. Keys are append-only: stored rows name them for ever.</summary>
/// <param name="Key">Stable name, such as <c>vm.create</c>.</param>
/// <param name="Title">For people, such as <c>Create VM</c>.</param>
/// <param name="Permission">Who may start, cancel and retry it.</param>
public sealed record OperationKind(string Key, string Title, Permission Permission)
{
    /// <summary>After its node died: run again from the finished steps (true), or undo what was noted and call it lost (false).</summary>
    public bool Resumes { get; init; } = true;

    /// <summary>How often it is tried when its handler throws <see cref="TransientException"/>, with exponential back-off.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>Whether <c>Retry</c> is offered after a failure.</summary>
    public bool Retryable { get; init; } = true;
}

/// <summary>A failure that may pass: the operation is retried with back-off.</summary>
public sealed class TransientException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What is asked for.</summary>
/// <param name="Kind">A registered kind's key.</param>
/// <param name="Target">The object it is about, <c>kind:id</c>.</param>
/// <param name="TargetName">The object's name at that time, for lists.</param>
/// <param name="Input">Serialised as JSON and handed to the handler; never holds a secret.</param>
public sealed record NewOperation(string Kind, string Target, string TargetName, object Input)
{
    /// <summary>Locks taken before it runs; an operation waits in the queue until it has them all.</summary>
    public IReadOnlyList<ResourceLock> Locks { get; init; } = [];

    /// <summary>The operation this is a part of; a parent ends after its children.</summary>
    public Guid? Parent { get; init; }

    /// <summary>Its id, for callers who may have to ask twice: when there is an operation with that id already, asking again starts nothing. Null for a new one.</summary>
    public Guid? Id { get; init; }
}

/// <summary>The code of one kind of operation.</summary>
public interface IOperationHandler
{
    /// <summary>The kind it runs.</summary>
    OperationKind Kind { get; }

    /// <summary>Does the work in <see cref="IOperationContext.StepAsync{T}"/> steps, each idempotent. Returns the operation's result (JSON-serialisable) or null.</summary>
    /// <exception cref="Quarterdeck.Platform.ProblemException">An expected refusal: recorded as the operation's problem, not retried.</exception>
    /// <exception cref="TransientException">May pass: retried with back-off.</exception>
    Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation);

    /// <summary>Removes what was made, newest note first: called after a failure, a cancellation, and for a kind that does not resume after its node died. Idempotent; must cope with things noted but never made.</summary>
    Task UndoAsync(IOperationContext operation, IReadOnlyList<Note> notes, CancellationToken cancellation) => Task.CompletedTask;
}

/// <summary>A durable line written before something is made outside the database, so that it can be removed after a kill.</summary>
/// <param name="Kind">What is about to be made, such as <c>volume</c> or <c>domain</c>.</param>
/// <param name="Value">Its path, id or name.</param>
public sealed record Note(string Kind, string Value);

/// <summary>What a handler is given: identity, input, and durable steps, notes, progress and log.</summary>
public interface IOperationContext
{
    /// <summary>The operation's id (UUIDv7).</summary>
    Guid Id { get; }

    /// <summary>Who asked for it.</summary>
    Caller RequestedBy { get; }

    /// <summary>1 on the first run; counts up with each retry and each resumption.</summary>
    int Attempt { get; }

    /// <summary>The input it was queued with.</summary>
    T Input<T>();

    /// <summary>Runs a step once: its result is stored, and after a restart a finished step returns the stored result without running again.</summary>
    /// <param name="key">Stable within the kind, such as <c>create-disk</c>.</param>
    /// <param name="title">For people, such as <c>Creating disk vda</c>.</param>
    /// <param name="action">Idempotent work.</param>
    Task<T> StepAsync<T>(string key, string title, Func<CancellationToken, Task<T>> action);

    /// <summary>A step without a result.</summary>
    Task StepAsync(string key, string title, Func<CancellationToken, Task> action);

    /// <summary>Writes a note and waits until it is durable: call before making anything that <see cref="IOperationHandler.UndoAsync"/> must remove.</summary>
    Task NoteAsync(string kind, string value);

    /// <summary>Says how far it is; cheap, coalesced to a few writes a second.</summary>
    /// <param name="done">Units done.</param>
    /// <param name="total">Units in all; null when unknown.</param>
    /// <param name="unit"><c>bytes</c>, <c>disks</c>, …</param>
    void Progress(long done, long? total, string unit);

    /// <summary>Adds a line to the stored log.</summary>
    void Log(string message);

    /// <summary>Adds a warning: an otherwise successful operation ends in state <see cref="OperationState.Warning"/>.</summary>
    void Warn(string message);
}
