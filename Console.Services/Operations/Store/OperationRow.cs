using System.Text.Json;
using System.Text.Json.Serialization;
using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations.Store;

/// <summary>A row of <c>operations</c>.</summary>
internal sealed record OperationRow
{
    public Guid Id { get; init; }
    public string Kind { get; init; } = "";
    public string Title { get; init; } = "";
    public string Target { get; init; } = "";
    public string TargetName { get; init; } = "";
    public OperationState State { get; init; }
    public string? Ending { get; init; }
    public Guid? ParentId { get; init; }
    public string Path { get; init; } = "";
    public string RequestedBy { get; init; } = "";
    public string Caller { get; init; } = "";
    public string Input { get; init; } = "";
    public string Locks { get; init; } = "[]";
    public bool Granted { get; init; }
    public bool Attended { get; init; }
    public int Attempt { get; init; }
    public int Failures { get; init; }
    public int Crashes { get; init; }
    public Guid? Owner { get; init; }
    public string? Node { get; init; }
    public bool CancelRequested { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset QueuedAt { get; init; }
    public DateTimeOffset? NotBefore { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public long? ProgressDone { get; init; }
    public long? ProgressTotal { get; init; }
    public string? ProgressUnit { get; init; }
    public int Warnings { get; init; }
    public string? Result { get; init; }
    public string? Problem { get; init; }

    /// <summary>The columns above, in one place.</summary>
    public const string Columns = """
        id, kind, title, target, target_name, state, ending, parent_id, path, requested_by, caller, input, locks, granted, attended,
        attempt, failures, crashes, owner, node, cancel_requested, created_at, queued_at, not_before, started_at, ended_at,
        progress_done, progress_total, progress_unit, warnings, result, problem
        """;

    /// <summary>The final state that is decided already.</summary>
    public OperationState? Decided => Ending is null ? null : Enum.Parse<OperationState>(Ending, ignoreCase: true);

    public bool HasLocks => Locks != "[]";

    public OperationInfo ToInfo(IReadOnlyList<OperationStep> steps, bool retryable) => new()
    {
        Id = Id, Kind = Kind, Title = Title, Target = Target, TargetName = TargetName, State = State, Steps = steps,
        Progress = ProgressUnit is null ? null : new OperationProgress(ProgressDone ?? 0, ProgressTotal, ProgressUnit),
        RequestedBy = RequestedBy, CreatedAt = CreatedAt, StartedAt = StartedAt, EndedAt = EndedAt, Attempt = Attempt,
        Result = Result is null ? null : JsonSerializer.Deserialize<JsonElement>(Result),
        Problem = Json.Read<Problem>(Problem), Parent = ParentId, Node = Node, NotBefore = NotBefore, Warnings = Warnings,
        CancelRequested = CancelRequested && !State.IsFinal,
        CanRetry = retryable && StateMachine.Allows(State, OperationState.Queued) && State.IsFinal,
    };
}

/// <summary>Proof that a run still owns its operation; part of every write it makes.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="Owner">The node's token.</param>
/// <param name="Attempt">The attempt.</param>
internal sealed record Lease(Guid Operation, Guid Owner, int Attempt)
{
    /// <summary>The condition a write adds; the parameters are <see cref="Lease"/>'s own.</summary>
    public const string Holds = "id = @Operation AND state = 'running' AND owner = @Owner AND attempt = @Attempt";
}

/// <summary>The operation was taken away: its node was thought dead, and another run owns it now. The run ends without another write.</summary>
internal sealed class FencedException(Guid id) : Exception($"Operation {id} belongs to another run now; this one stops.");

/// <summary>How the room's JSON columns are written.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static string Write(object? value) => value is null ? "null" : JsonSerializer.Serialize(value, value.GetType(), Options);

    public static T? Read<T>(string? text) => text is null ? default : JsonSerializer.Deserialize<T>(text, Options);

    /// <summary>A caller as it is stored; scopes need a concrete set to come back.</summary>
    public static string Write(Caller caller) => Write(new StoredCaller(caller.Kind, caller.Id, caller.Name, caller.Role, caller.Scopes is null ? null : [.. caller.Scopes], caller.RequestId));

    public static Caller ReadCaller(string text) => Read<StoredCaller>(text) is { } c
        ? new Caller(c.Kind, c.Id, c.Name, c.Role, c.Scopes, c.RequestId) : Access.Caller.System;

    private sealed record StoredCaller(CallerKind Kind, Guid? Id, string Name, Role Role, HashSet<string>? Scopes, string? RequestId);
}
