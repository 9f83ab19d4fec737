using Quarterdeck.Access;

namespace Quarterdeck.Restores;

/// <summary>What callers may do with restores.</summary>
public static class RestoresPermissions
{
    /// <summary>Restore a VM over itself or as a new one, and see the plan of it.</summary>
    public static readonly Permission Run = new("restores.run", Role.Operator, "Restore virtual machines from recovery points");

    /// <summary>Browse the file systems of recovery points and download files; whoever may restore a VM could read them anyway.</summary>
    public static readonly Permission Files = new("restores.files", Role.Operator, "Browse recovery points and download files from them");
}
