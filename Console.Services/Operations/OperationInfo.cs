using System.Text.Json;
using Microsoft.Extensions.Logging;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations;

/// <summary>One operation as lists, pages, REST and the live stream show it.</summary>
public sealed record OperationInfo
{
    /// <summary>UUIDv7: sorts by creation.</summary>
    public required Guid Id { get; init; }

    /// <summary>The kind's key, such as <c>vm.create</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The kind's title for people, such as <c>Create VM</c>.</summary>
    public required string Title { get; init; }

    /// <summary>The object it is about, <c>kind:id</c>.</summary>
    public required string Target { get; init; }

    /// <summary>The object's name when the operation was queued.</summary>
    public required string TargetName { get; init; }

    /// <summary>Where it stands.</summary>
    public required OperationState State { get; init; }

    /// <summary>How far it is; null until it said so.</summary>
    public OperationProgress? Progress { get; init; }

    /// <summary>Its steps in the order they began; empty before the first.</summary>
    public IReadOnlyList<OperationStep> Steps { get; init; } = [];

    /// <summary>Name of who asked for it.</summary>
    public required string RequestedBy { get; init; }

    /// <summary>When it was queued.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its present attempt began to run; null while it waits.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it reached a final state.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>What it produced, as the handler returned it; null without a result.</summary>
    public JsonElement? Result { get; init; }

    /// <summary>Why it failed, was lost, or why its last try failed while it waits for the next one.</summary>
    public Problem? Problem { get; init; }

    /// <summary>0 before the first run; counts up with each retry and each resumption.</summary>
    public int Attempt { get; init; }

    /// <summary>The operation this one is a part of.</summary>
    public Guid? Parent { get; init; }

    /// <summary>Name of the node that runs or ran it.</summary>
    public string? Node { get; init; }

    /// <summary>Not started before this time (back-off after a failure that may pass); null when nothing is waited for but locks and a free slot.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>Whether someone asked for its cancellation and it has not ended yet.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>Whether <see cref="OperationQueue.RetryAsync"/> would take it now.</summary>
    public bool CanRetry { get; init; }

    /// <summary>How many warnings it noted.</summary>
    public int Warnings { get; init; }

    /// <summary>Whether the state is final.</summary>
    public bool Ended => State.IsFinal;
}

/// <summary>How far an operation is.</summary>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all; null when unknown.</param>
/// <param name="Unit"><c>bytes</c>, <c>disks</c>, …</param>
public sealed record OperationProgress(long Done, long? Total, string Unit);

/// <summary>Where a step stands.</summary>
public enum StepState { Running, Done, Failed }

/// <summary>A step of an operation.</summary>
/// <param name="Key">Stable within the kind.</param>
/// <param name="Title">For people.</param>
/// <param name="State">Where it stands.</param>
/// <param name="StartedAt">When its last run began.</param>
/// <param name="EndedAt">When it ended; null while it runs.</param>
public sealed record OperationStep(string Key, string Title, StepState State, DateTimeOffset StartedAt, DateTimeOffset? EndedAt);

/// <summary>A line of an operation's stored log.</summary>
/// <param name="Number">Counts up within the operation; what <c>after</c> takes.</param>
/// <param name="At">When it was written.</param>
/// <param name="Level">How grave it is.</param>
/// <param name="Text">The line.</param>
public sealed record LogLine(long Number, DateTimeOffset At, LogLevel Level, string Text);

/// <summary>Which operations are wanted; null or empty means any.</summary>
public sealed record OperationQuery
{
    /// <summary>Any of these states.</summary>
    public IReadOnlyList<OperationState> States { get; init; } = [];

    /// <summary>This kind's key.</summary>
    public string? Kind { get; init; }

    /// <summary>This object, <c>kind:id</c>; a kind alone (<c>vm</c>) means every object of that kind.</summary>
    public string? Target { get; init; }

    /// <summary>Parts of this operation.</summary>
    public Guid? Parent { get; init; }
}

/// <summary>Questions about states.</summary>
public static class OperationStates
{
    extension(OperationState state)
    {
        /// <summary>Whether nothing follows but a retry by a person.</summary>
        public bool IsFinal => state > OperationState.Running;
    }
}
