using Quarterdeck.Access;

namespace Quarterdeck.Backups;

/// <summary>What callers may do with backups and recovery points.</summary>
public static class BackupsPermissions
{
    /// <summary>See recovery points.</summary>
    public static readonly Permission Read = new("backups.read", Role.Viewer, "See recovery points");

    /// <summary>Back VMs up, verify and pin recovery points.</summary>
    public static readonly Permission Run = new("backups.run", Role.Operator, "Back up virtual machines; verify and pin recovery points");

    /// <summary>Set backup jobs. Their retention deletes recovery points, so it takes the role that deleting takes.</summary>
    public static readonly Permission ManageJobs = new("backups.jobs", Role.Administrator, "Add, change and delete backup jobs");

    /// <summary>Delete recovery points.</summary>
    public static readonly Permission Delete = new("backups.delete", Role.Administrator, "Delete recovery points");
}
