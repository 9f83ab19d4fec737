namespace Quarterdeck.Plugins.Life;

/// <summary>Input of the operations of a plug-in's life.</summary>
/// <param name="PluginId">The plug-in.</param>
/// <param name="StopVm">When disabling: whether its VM is shut down, too.</param>
internal sealed record PluginInput(Guid PluginId, bool StopVm = false);
