namespace Quarterdeck.Access;

/// <summary>Settings of this room, section <c>Quarterdeck:Access</c>.</summary>
public sealed record AccessOptions
{
    /// <summary>A login session ends after this time without use. Default 12 hours.</summary>
    public TimeSpan SessionIdle { get; init; } = TimeSpan.FromHours(12);

    /// <summary>How often an open page asks whether its session still holds; a revoked one ends within this time. Default 3 seconds.</summary>
    public TimeSpan SessionCheck { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Wrong passwords in a row until a name is locked. Default 5.</summary>
    public int LockoutAttempts { get; init; } = 5;

    /// <summary>How long a name stays locked. Default 5 minutes.</summary>
    public TimeSpan LockoutTime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Sign-in attempts an address may make in a minute. Default 20.</summary>
    public int AttemptsPerMinute { get; init; } = 20;

    /// <summary>The least length of a password. Default 12.</summary>
    public int PasswordLength { get; init; } = 12;

    internal const string Rules = "Quarterdeck:Access: SessionIdle of at least 1 minute, SessionCheck from 1 second to 1 minute, LockoutAttempts from 3 to 100, LockoutTime of at least 10 seconds, AttemptsPerMinute of at least 5, PasswordLength from 8 to 64. Example: Quarterdeck__Access__SessionIdle=08:00:00";

    internal static bool IsSane(AccessOptions o) =>
        o.SessionIdle >= TimeSpan.FromMinutes(1) && o.SessionCheck >= TimeSpan.FromSeconds(1) && o.SessionCheck <= TimeSpan.FromMinutes(1)
        && o.LockoutAttempts is >= 3 and <= 100 && o.LockoutTime >= TimeSpan.FromSeconds(10) && o.AttemptsPerMinute >= 5 && o.PasswordLength is >= 8 and <= 64;
}
