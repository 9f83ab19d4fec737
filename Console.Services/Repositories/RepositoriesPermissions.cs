using Quarterdeck.Access;

namespace Quarterdeck.Repositories;

/// <summary>What callers may do with repositories.</summary>
public static class RepositoriesPermissions
{
    /// <summary>See them.</summary>
    public static readonly Permission Read = new("repositories.read", Role.Viewer, "See backup repositories");

    /// <summary>Verify, prune, collect, copy.</summary>
    public static readonly Permission Operate = new("repositories.operate", Role.Operator, "Verify, prune, collect and copy backup repositories");

    /// <summary>Add and forget them.</summary>
    public static readonly Permission Manage = new("repositories.manage", Role.Administrator, "Add and forget backup repositories");

    /// <summary>See a repository's key.</summary>
    public static readonly Permission ExportKey = new("repositories.key", Role.Administrator, "See the keys of backup repositories");
}
