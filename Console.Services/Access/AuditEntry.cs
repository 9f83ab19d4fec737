namespace Quarterdeck.Access;

/// <summary>Whether something was done, or refused.</summary>
public enum AuditOutcome { Done, Refused }

/// <summary>One line of the audit log.</summary>
/// <param name="Id">UUIDv7: sorts by time.</param>
/// <param name="At">When.</param>
/// <param name="ActorKind">What stood behind the request.</param>
/// <param name="ActorId">Id of the user, token or plug-in; null for the console itself.</param>
/// <param name="ActorName">Its name at that time.</param>
/// <param name="Action">Stable name, such as <c>vm.create</c>; of a refusal, the permission that was missing.</param>
/// <param name="Target">The object, <c>kind:id</c>.</param>
/// <param name="TargetName">Its name at that time.</param>
/// <param name="Outcome">Done or refused.</param>
/// <param name="Before">The object before, JSON without secrets; null when it was created.</param>
/// <param name="After">The object after, JSON without secrets; null when it was deleted. Of a refusal, the reason.</param>
/// <param name="RequestId">Correlates with the log.</param>
public sealed record AuditEntry(
    Guid Id, DateTimeOffset At, CallerKind ActorKind, Guid? ActorId, string ActorName, string Action,
    string Target, string? TargetName, AuditOutcome Outcome, string? Before, string? After, string? RequestId);

/// <summary>Which lines of the audit log are wanted; null means any.</summary>
/// <param name="Actor">Id or name of who did it.</param>
/// <param name="Action">An action, or its beginning with a dot, such as <c>vm.</c>.</param>
/// <param name="Target">An object <c>kind:id</c>, or a kind alone.</param>
/// <param name="Outcome">Done or refused.</param>
/// <param name="From">Not before.</param>
/// <param name="Until">Before.</param>
public sealed record AuditQuery(
    string? Actor = null, string? Action = null, string? Target = null, AuditOutcome? Outcome = null,
    DateTimeOffset? From = null, DateTimeOffset? Until = null);
