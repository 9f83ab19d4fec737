namespace Quarterdeck.Access;

/// <summary>What may be done in this room.</summary>
public static class AccessPermissions
{
    /// <summary>One's own account: profile, password, sessions.</summary>
    public static readonly Permission Self = new("me", Role.Viewer, "See and change one's own profile, password and sessions");

    /// <summary>See every user.</summary>
    public static readonly Permission ReadUsers = new("users.read", Role.Administrator, "See all users and their roles");

    /// <summary>Create, change, disable and delete users; reset passwords; end their sessions.</summary>
    public static readonly Permission ManageUsers = new("users.manage", Role.Administrator, "Create, change and delete users");

    /// <summary>Create, list and revoke one's own API tokens, never stronger than oneself.</summary>
    public static readonly Permission OwnTokens = new("tokens.own", Role.Operator, "Create, list and revoke one's own API tokens");

    /// <summary>List and revoke everybody's API tokens.</summary>
    public static readonly Permission ManageTokens = new("tokens.manage", Role.Administrator, "List and revoke all API tokens");

    /// <summary>Read the audit log.</summary>
    public static readonly Permission ReadAudit = new("audit.read", Role.Administrator, "Read the audit log");
}
