using Quarterdeck.Access;

namespace Quarterdeck.Plugins;

/// <summary>What callers may do with plug-ins.</summary>
public static class PluginPermissions
{
    /// <summary>See plug-ins.</summary>
    public static readonly Permission Read = new("plugins.read", Role.Viewer, "See plug-ins");

    /// <summary>Open the pages that they bring along; the plug-in alone decides what can be done there.</summary>
    public static readonly Permission Open = new("plugins.open", Role.Operator, "Open the pages of plug-ins");

    /// <summary>Enable, disable and uninstall them.</summary>
    public static readonly Permission Manage = new("plugins.manage", Role.Administrator, "Enable, disable and uninstall plug-ins");
}
