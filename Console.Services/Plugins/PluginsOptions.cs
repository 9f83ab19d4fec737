namespace Quarterdeck.Plugins;

/// <summary>Settings of plug-ins, section <c>Quarterdeck:Plugins</c>.</summary>
public sealed record PluginsOptions
{
    /// <summary>Seconds between two heartbeats, told to each plug-in.</summary>
    public int HeartbeatSeconds { get; set; } = 15;

    /// <summary>Heartbeats missed until a plug-in is <see cref="PluginState.Degraded"/>.</summary>
    public int DegradedAfter { get; set; } = 3;

    /// <summary>Heartbeats missed until a plug-in is <see cref="PluginState.Unreachable"/>.</summary>
    public int UnreachableAfter { get; set; } = 6;

    /// <summary>How long an enrolment token is valid from power-on.</summary>
    public TimeSpan EnrolmentWindow { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How long an enrolled plug-in may take until it first says that it is well.</summary>
    public TimeSpan ReadyWindow { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a new version may take from power-on until it says that it is well; then the version before comes back.</summary>
    public TimeSpan UpgradeWindow { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a plug-in's own token is valid; it is renewed by heartbeats in the last third.</summary>
    public TimeSpan TokenLife { get; set; } = TimeSpan.FromDays(90);
}
