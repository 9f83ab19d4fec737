using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Plugins;

/// <summary>A moment at which a plug-in's state, health or reason changed.</summary>
/// <param name="At">When.</param>
/// <param name="State">Where it stood from then on.</param>
/// <param name="Health">What it said about itself.</param>
/// <param name="Reason">Why, in words; null when all is well.</param>
/// <param name="Version">Its version then.</param>
public sealed record PluginMoment(DateTimeOffset At, PluginState State, HealthState Health, string? Reason, string Version);
