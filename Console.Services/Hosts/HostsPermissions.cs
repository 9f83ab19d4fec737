using Quarterdeck.Access;

namespace Quarterdeck.Hosts;

/// <summary>What a caller may do with hosts and VMs.</summary>
public static class HostsPermissions
{
    /// <summary>See hosts, their pools and networks.</summary>
    public static readonly Permission ReadHosts = new("hosts.read", Role.Viewer, "See hosts, storage pools and networks");

    /// <summary>Add, rename and remove hosts.</summary>
    public static readonly Permission ManageHosts = new("hosts.manage", Role.Administrator, "Add, change and remove hosts");

    /// <summary>See VMs, their snapshots and figures.</summary>
    public static readonly Permission ReadVms = new("vms.read", Role.Viewer, "See virtual machines");

    /// <summary>Start, shut down, stop, reboot, pause and resume.</summary>
    public static readonly Permission PowerVms = new("vms.power", Role.Operator, "Start, stop, pause and reboot virtual machines");

    /// <summary>Create, edit and delete VMs, and tag them.</summary>
    public static readonly Permission ManageVms = new("vms.manage", Role.Operator, "Create, change and delete virtual machines");

    /// <summary>Take, revert to and delete snapshots.</summary>
    public static readonly Permission SnapshotVms = new("vms.snapshot", Role.Operator, "Take, revert to and delete snapshots");

    /// <summary>See the screen and type.</summary>
    public static readonly Permission ConsoleVms = new("vms.console", Role.Operator, "Use the console of virtual machines");

    /// <summary>Use files of the host by their path.</summary>
    public static readonly Permission UseHostFiles = new("vms.host-files", Role.Administrator, "Use disk images and ISO files of the host by their path");

    /// <summary>All of them, for the tokens page.</summary>
    public static IReadOnlyList<Permission> All { get; } = [ReadHosts, ManageHosts, ReadVms, PowerVms, ManageVms, SnapshotVms, ConsoleVms, UseHostFiles];
}
