namespace Quarterdeck.Access;

/// <summary>A login on a browser.</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="UserId">Whose it is.</param>
/// <param name="CreatedAt">When it began.</param>
/// <param name="LastSeenAt">The last use, to the minute.</param>
/// <param name="ExpiresAt">Ends then, unless it is used before.</param>
/// <param name="Address">The address it began from.</param>
/// <param name="UserAgent">What the browser called itself.</param>
/// <param name="Current">Whether it is the caller's own.</param>
public sealed record Session(Guid Id, Guid UserId, DateTimeOffset CreatedAt, DateTimeOffset LastSeenAt, DateTimeOffset ExpiresAt, string? Address, string? UserAgent, bool Current);

/// <summary>Whom a live session stands for, as of now.</summary>
/// <param name="SessionId">The session.</param>
/// <param name="UserId">The user.</param>
/// <param name="UserName">The user's name.</param>
/// <param name="Role">The user's role at this moment.</param>
/// <param name="CreatedAt">When the session began.</param>
/// <param name="LastSeenAt">The last use, to the minute.</param>
/// <param name="ExpiresAt">Ends then, unless it is used before.</param>
public sealed record LiveSession(Guid SessionId, Guid UserId, string UserName, Role Role, DateTimeOffset CreatedAt, DateTimeOffset LastSeenAt, DateTimeOffset ExpiresAt)
{
    /// <summary>The user, as the caller of whatever the session asks for.</summary>
    public Caller Caller => new(CallerKind.User, UserId, UserName, Role) { UserId = UserId, SessionId = SessionId };
}
