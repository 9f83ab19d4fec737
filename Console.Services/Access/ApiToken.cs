namespace Quarterdeck.Access;

/// <summary>An API token, without its secret.</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="Name">For people.</param>
/// <param name="Role">What it may do at most; less when its owner's role is less.</param>
/// <param name="Scopes">Permission keys it is narrowed to; null when not narrowed.</param>
/// <param name="OwnerId">The user it acts for; null when it was made with the administrator token of the settings.</param>
/// <param name="CreatedBy">Who made it.</param>
/// <param name="CreatedAt">When.</param>
/// <param name="ExpiresAt">Refused from then on; null for never.</param>
/// <param name="LastUsedAt">The last use, to the minute; null for never.</param>
public sealed record ApiToken(Guid Id, string Name, Role Role, IReadOnlyList<string>? Scopes, Guid? OwnerId, string CreatedBy, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt);

/// <summary>A token to create.</summary>
/// <param name="Name">1–100 characters.</param>
/// <param name="Role">At most the caller's.</param>
/// <param name="Scopes">Permission keys; null for all that the role allows.</param>
/// <param name="ExpiresAt">In the future; null for never.</param>
public sealed record NewApiToken(string? Name, Role? Role, IReadOnlyList<string>? Scopes = null, DateTimeOffset? ExpiresAt = null);

/// <summary>A created token.</summary>
/// <param name="Token">Its description.</param>
/// <param name="Secret">What goes after <c>Bearer</c>; shown this once, stored nowhere.</param>
public sealed record IssuedToken(ApiToken Token, string Secret);
