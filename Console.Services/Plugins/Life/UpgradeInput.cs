using Quarterdeck.Appliances;

namespace Quarterdeck.Plugins.Life;

/// <summary>Input of an upgrade; property values are not in it, as some are secrets.</summary>
/// <param name="PluginId">The plug-in.</param>
/// <param name="From">The version that is installed.</param>
/// <param name="Order">Which appliance takes which place.</param>
/// <param name="AllowDowngrade">Whether the version may be older.</param>
/// <param name="Capabilities">What the administrator approves; null for what was approved before.</param>
internal sealed record UpgradeInput(Guid PluginId, string From, ExchangeOrder Order, bool AllowDowngrade, IReadOnlyList<string>? Capabilities);
