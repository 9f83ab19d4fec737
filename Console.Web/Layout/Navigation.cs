using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Appliances;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Plugins;
using Quarterdeck.Repositories;
using Quarterdeck.Schedules;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Layout;

/// <summary>One entry of the main navigation.</summary>
/// <param name="Text">What it is called.</param>
/// <param name="Href">Where it leads, relative to the base.</param>
/// <param name="Icon">Name of an icon in <c>Shared/Icon.razor</c>.</param>
/// <param name="Permission">Hidden from those who lack it; null for everybody.</param>
public sealed record NavEntry(string Text, string Href, string Icon, Quarterdeck.Access.Permission? Permission = null);

/// <summary>A titled group of entries; the first has no title.</summary>
public sealed record NavSection(string? Title, IReadOnlyList<NavEntry> Entries);

/// <summary>The whole navigation in its order. An entry is added together with its page: none is a dead link.</summary>
public static class Navigation
{
    /// <summary>The section to which plug-ins add their own entries.</summary>
    public const string PluginSection = "Plug-ins";

    /// <summary>The sections in their order.</summary>
    public static IReadOnlyList<NavSection> Sections { get; } =
    [
        new(null, [new("Overview", "", "overview")]),
        new("Compute", [new("Hosts", "hosts", "host", HostsPermissions.ReadHosts), new("Virtual machines", "vms", "vm", HostsPermissions.ReadVms)]),
        new(PluginSection,
        [
            new("Installed", "plugins", "plugin", PluginPermissions.Read),
            new("Appliances", "appliances", "appliance", AppliancePermissions.Read),
            new("Publishers", "publishers", "lock", AppliancePermissions.ReadPublishers),
        ]),
        new("Protection",
        [
            new("Overview", "protection", "shield", BackupsPermissions.Read),
            new("Backup jobs", "backup-jobs", "operation", BackupsPermissions.Read),
            new("Recovery points", "recovery-points", "clock", BackupsPermissions.Read),
            new("Repositories", "repositories", "disk", RepositoriesPermissions.Read),
        ]),
        new("Workers",
        [
            new("Workers", "workers", "worker", WorkersPermissions.Read),
            new("Zones", "zones", "globe", WorkersPermissions.Read),
            new("Buckets", "buckets", "folder", WorkersPermissions.Read),
            new("Queues", "queues", "operation", WorkersPermissions.Read),
            new("Compute servers", "compute-servers", "processor", WorkersPermissions.Read),
            new("Limits", "worker-limits", "settings", WorkersPermissions.Read),
        ]),
        new("Activity",
        [
            new("Operations", "operations", "operation", OperationPermissions.Read),
            new("Schedules", "schedules", "clock", SchedulesPermissions.Read),
            new("Audit", "audit", "audit", AccessPermissions.ReadAudit),
        ]),
        new("Administration", [new("Users and roles", "users", "users", AccessPermissions.ReadUsers), new("Tokens", "tokens", "token", AccessPermissions.OwnTokens)]),
    ];
}
