using Quarterdeck.Hosts;

namespace Quarterdeck.Web.Vms;

/// <summary>What parts of a VM are called on pages.</summary>
internal static class VmWords
{
    /// <summary>A host network as REST names it, for people.</summary>
    public static string Network(string network) => network switch
    {
        "user" => "user network (outgoing only)",
        _ when network.StartsWith("bridge:", StringComparison.Ordinal) => $"bridge {network["bridge:".Length..]}",
        _ => network,
    };

    /// <summary>What it boots from.</summary>
    public static string Boot(BootDevice device) => device switch
    {
        BootDevice.Disk => "disk",
        BootDevice.Cdrom => "CD drive",
        _ => "network",
    };
}
