namespace Quarterdeck.Plugins;

/// <summary>Where a plug-in stands.</summary>
public enum PluginState
{
    /// <summary>Its appliance is being made.</summary>
    Deploying,
    /// <summary>Its appliance runs and has not enrolled yet.</summary>
    Enrolling,
    /// <summary>It enrolled and says that it is well.</summary>
    Ready,
    /// <summary>It says that it is not well, or has missed heartbeats.</summary>
    Degraded,
    /// <summary>It has been silent for long.</summary>
    Unreachable,
    /// <summary>An administrator turned it off: its token is refused.</summary>
    Disabled,
    /// <summary>It is being removed.</summary>
    Uninstalling,
}

/// <summary>What a plug-in last said about itself.</summary>
public enum HealthState { Unknown, Healthy, Degraded, Failed }

/// <summary>A plug-in's health.</summary>
/// <param name="State">What it last said.</param>
/// <param name="Reason">Why it is not healthy; null when it is.</param>
/// <param name="At">When it last said so; null before the first heartbeat.</param>
public sealed record PluginHealth(HealthState State, string? Reason, DateTimeOffset? At);

/// <summary>Where a plug-in's own pages are served inside its VM.</summary>
/// <param name="Scheme"><c>http</c> or <c>https</c>.</param>
/// <param name="Port">TCP port inside the VM.</param>
/// <param name="Path">First path, beginning with a slash.</param>
public sealed record PluginUi(string Scheme, int Port, string Path);

/// <summary>An appliance that registered with the console.</summary>
public sealed record Plugin
{
    /// <summary>UUIDv7; the appliance knows it as <c>quarterdeck.plugin.instance</c>.</summary>
    public required Guid Id { get; init; }

    /// <summary>Stable over versions, such as <c>org.example.netscan</c>; empty until a plug-in without a manifest in its package has enrolled.</summary>
    public required string Key { get; init; }

    /// <summary>Name for people.</summary>
    public required string Name { get; init; }

    /// <summary>Who made it.</summary>
    public required string Vendor { get; init; }

    /// <summary>Its version.</summary>
    public required string Version { get; init; }

    /// <summary>Where it stands.</summary>
    public required PluginState State { get; init; }

    /// <summary>What it last said about itself.</summary>
    public required PluginHealth Health { get; init; }

    /// <summary>Its VM; the VM may be gone when it was deleted outside.</summary>
    public required Guid VmId { get; init; }

    /// <summary>The host of its VM.</summary>
    public required Guid HostId { get; init; }

    /// <summary>The appliance it was deployed as.</summary>
    public required Guid ApplianceId { get; init; }

    /// <summary>The operation that installed it.</summary>
    public required Guid OperationId { get; init; }

    /// <summary>Permission keys that it asks for.</summary>
    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>Those of <see cref="Capabilities"/> that an administrator approved: all that its own token may do over REST.</summary>
    public IReadOnlyList<string> ApprovedCapabilities { get; init; } = [];

    /// <summary>Its own pages; null when it has none.</summary>
    public PluginUi? Ui { get; init; }

    /// <summary>What it adds to the console's pages; nothing unless it has a <see cref="Ui"/>.</summary>
    public PluginContributions Contributes { get; init; } = PluginContributions.None;

    /// <summary>Where it is told of events; null when it wants none.</summary>
    public PluginWebhook? Webhook { get; init; }

    /// <summary>OVF disk ids that are kept over an upgrade, by its manifest; a disk without a file is kept in any case.</summary>
    public IReadOnlyList<string> DataDisks { get; init; } = [];

    /// <summary>What it is for, in its author's words.</summary>
    public string Description { get; init; } = "";

    /// <summary>When its installation began.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it enrolled; null before.</summary>
    public DateTimeOffset? EnrolledAt { get; init; }

    /// <summary>The version on trial while it is being upgraded; else null.</summary>
    public string? UpgradingTo { get; init; }

    /// <summary>The operation that tries it; else null.</summary>
    public Guid? UpgradeOperationId { get; init; }
}
