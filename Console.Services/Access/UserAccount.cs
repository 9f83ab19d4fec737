namespace Quarterdeck.Access;

/// <summary>A user as ASP.NET Core Identity's types see it; pages and REST use <see cref="User"/>.</summary>
/// <remarks>The seam for two-factor, passkeys and OIDC: they add columns here and interfaces to the user store.</remarks>
public sealed class UserAccount
{
    /// <summary>UUIDv7.</summary>
    public Guid Id { get; set; }

    /// <summary>As typed when it was created.</summary>
    public string UserName { get; set; } = "";

    /// <summary>Upper case, unique.</summary>
    public string NormalizedUserName { get; set; } = "";

    /// <summary>By Identity's hasher; null for one who cannot sign in with a password.</summary>
    public string? PasswordHash { get; set; }

    /// <summary>Changes with every change of credentials, role or state: sessions with another stamp have ended.</summary>
    public string SecurityStamp { get; set; } = "";

    /// <summary>Changes with every write, so that two writers notice each other.</summary>
    public string ConcurrencyStamp { get; set; } = "";

    /// <summary>What the user may do.</summary>
    public Role Role { get; set; }

    /// <summary>Cannot sign in, and the user's tokens are refused.</summary>
    public bool Disabled { get; set; }

    /// <summary>Wrong passwords in a row.</summary>
    public int AccessFailedCount { get; set; }

    /// <summary>Locked until then.</summary>
    public DateTimeOffset? LockoutEnd { get; set; }

    /// <summary>When it was created.</summary>
    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>The last sign-in.</summary>
    public DateTimeOffset? LastLoginAt { get; set; }
}
