namespace Quarterdeck.Access;

/// <summary>Someone who can sign in.</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="Name">Unique without regard to case.</param>
/// <param name="Role">What the user may do.</param>
/// <param name="Disabled">Cannot sign in; the user's tokens are refused.</param>
/// <param name="LockedUntil">After too many wrong passwords; null when not locked.</param>
/// <param name="Sessions">Open login sessions.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="LastLoginAt">The last sign-in; null for none.</param>
public sealed record User(Guid Id, string Name, Role Role, bool Disabled, DateTimeOffset? LockedUntil, int Sessions, DateTimeOffset CreatedAt, DateTimeOffset? LastLoginAt);

/// <summary>A user to create.</summary>
/// <param name="Name">1–64 letters, digits and <c>. _ - @</c>, beginning with a letter or digit.</param>
/// <param name="Role">What the user may do.</param>
/// <param name="Password">Null to have one generated.</param>
public sealed record NewUser(string? Name, Role? Role, string? Password = null);

/// <summary>A change of a user; null leaves as it is.</summary>
/// <param name="Name">A new name.</param>
/// <param name="Role">A new role; ends the user's sessions.</param>
/// <param name="Disabled">True ends the user's sessions.</param>
/// <param name="Password">A new password; ends the user's sessions and a lock-out.</param>
public sealed record UserChange(string? Name = null, Role? Role = null, bool? Disabled = null, string? Password = null);

/// <summary>A created user.</summary>
/// <param name="User">The user.</param>
/// <param name="Password">The generated password, shown this once; null when one was given.</param>
public sealed record CreatedUser(User User, string? Password);
