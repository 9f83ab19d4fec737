using System.Text.Json;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Operations;

/// <summary>An operation as REST and the hub show it.</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="Kind">The kind's key, such as <c>vm.create</c>.</param>
/// <param name="Title">The kind's title.</param>
/// <param name="Target">The object, <c>kind:id</c>.</param>
/// <param name="TargetName">Its name when the operation was queued.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Progress">How far it is; null until it said so.</param>
/// <param name="Steps">Its steps in the order they began.</param>
/// <param name="RequestedBy">Who asked for it.</param>
/// <param name="CreatedAt">When it was queued.</param>
/// <param name="StartedAt">When it began to run.</param>
/// <param name="EndedAt">When it reached a final state.</param>
/// <param name="Result">What it produced.</param>
/// <param name="Problem">Why it failed or was lost, or why its last try failed.</param>
/// <param name="Attempt">0 before the first run.</param>
/// <param name="Warnings">How many warnings it noted.</param>
/// <param name="CancelRequested">Whether it is being cancelled.</param>
/// <param name="CanRetry">Whether the action retry would take it.</param>
/// <param name="NotBefore">When the next try begins, while it waits for that.</param>
/// <param name="Parent">The operation it is a part of.</param>
/// <param name="Node">The node that runs or ran it.</param>
public sealed record OperationBody(
    Guid Id, string Kind, string Title, string Target, string TargetName, OperationState State, OperationProgress? Progress, IReadOnlyList<StepBody> Steps,
    string RequestedBy, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt, JsonElement? Result, OperationProblem? Problem,
    int Attempt, int Warnings, bool CancelRequested, bool CanRetry, DateTimeOffset? NotBefore, Guid? Parent, string? Node)
{
    /// <summary>REST's shape of an operation.</summary>
    public static OperationBody Of(OperationInfo o) => new(
        o.Id, o.Kind, o.Title, o.Target, o.TargetName, o.State, o.Progress, [.. o.Steps.Select(s => new StepBody(s.Key, s.Title, s.State, s.StartedAt, s.EndedAt))],
        o.RequestedBy, o.CreatedAt, o.StartedAt, o.EndedAt, o.Result, o.Problem is { } p ? new OperationProblem(p.Title, p.Detail, p.Errors.Count == 0 ? null : p.Errors) : null,
        o.Attempt, o.Warnings, o.CancelRequested, o.CanRetry, o.NotBefore, o.Parent, o.Node);
}

/// <summary>A step of an operation.</summary>
/// <param name="Key">Stable within the kind.</param>
/// <param name="Title">For people.</param>
/// <param name="State">Where it stands.</param>
/// <param name="StartedAt">When its last run began.</param>
/// <param name="EndedAt">When it ended; null while it runs.</param>
public sealed record StepBody(string Key, string Title, StepState State, DateTimeOffset StartedAt, DateTimeOffset? EndedAt);

/// <summary>Why an operation did not end well.</summary>
/// <param name="Title">A short sentence.</param>
/// <param name="Detail">What happened, and the remedy.</param>
/// <param name="Errors">Wrong fields of what was asked for, if that was the reason.</param>
public sealed record OperationProblem(string Title, string Detail, IReadOnlyList<FieldError>? Errors);

/// <summary>A line of an operation's log.</summary>
/// <param name="Number">Counts up within the operation.</param>
/// <param name="At">When it was written.</param>
/// <param name="Level">How grave it is.</param>
/// <param name="Text">The line.</param>
public sealed record LogLineBody(long Number, DateTimeOffset At, LogLevel Level, string Text);

/// <summary>Lines of an operation's log.</summary>
/// <param name="Items">The lines, oldest first.</param>
/// <param name="After">What to send as <c>after</c> for the lines that follow.</param>
public sealed record LogBody(IReadOnlyList<LogLineBody> Items, long After);
