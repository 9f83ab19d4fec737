using Quarterdeck.Access;

namespace Quarterdeck.Plugins;

/// <summary>What callers may do with plug-ins.</summary>
public static class PluginPermissions
{
    /// <summary>See plug-ins.</summary>
    public static readonly Permission Read = new("plugins.read", Role.Viewer, "See plug-ins");

    /// <summary>Enable, disable and uninstall them.</summary>
    public static readonly Permission Manage = new("plugins.manage", Role.Administrator, "Enable, disable and uninstall plug-ins");
}
