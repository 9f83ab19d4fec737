namespace Quarterdeck.Access;

/// <summary>The three roles; each may do all that the ones before it may.</summary>
public enum Role { Viewer, Operator, Administrator }

/// <summary>Something a caller may do; declared as a static field by the room it belongs to.</summary>
/// <param name="Key">Stable name, such as <c>vms.power</c>; also what an API token's scopes list.</param>
/// <param name="Minimum">The least role that has it.</param>
/// <param name="Description">What it allows, for the tokens page and refusals.</param>
public sealed record Permission(string Key, Role Minimum, string Description);

/// <summary>What stands behind a request.</summary>
public enum CallerKind { User, Token, Plugin, System }

/// <summary>Who asks: every public method of a room that reads or changes something takes one first.</summary>
/// <param name="Kind">What stands behind the request.</param>
/// <param name="Id">Id of the user, token or plug-in; null for the console itself.</param>
/// <param name="Name">For people: user name, token name, or <c>system</c>.</param>
/// <param name="Role">What the caller may do at most.</param>
/// <param name="Scopes">Permission keys the caller is narrowed to; null when not narrowed.</param>
/// <param name="RequestId">Correlates audit entries with the request's log.</param>
public sealed record Caller(CallerKind Kind, Guid? Id, string Name, Role Role, IReadOnlySet<string>? Scopes = null, string? RequestId = null)
{
    /// <summary>The console itself: recovery, sweeps, adoption.</summary>
    public static Caller System { get; } = new(CallerKind.System, null, "system", Role.Administrator);

    /// <summary>The user behind the request: the user itself, or the owner of the token; null when there is none.</summary>
    public Guid? UserId { get; init; }

    /// <summary>The login session of a page; null for everything else.</summary>
    public Guid? SessionId { get; init; }

    /// <summary>Whether the role and the scopes both allow it.</summary>
    public bool May(Permission permission) => Role >= permission.Minimum && (Scopes is null || Scopes.Contains(permission.Key));
}
