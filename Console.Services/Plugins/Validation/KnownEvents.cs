namespace Quarterdeck.Plugins.Validation;

/// <summary>The events that consoles of this version tell, and the permission that each needs; a test compares them with docs/plugin-protocol.md.</summary>
internal static class KnownEvents
{
    public static readonly IReadOnlyDictionary<string, string> Needs = new SortedDictionary<string, string>(StringComparer.Ordinal)
    {
        ["vm.created"] = "vms.read", ["vm.deleted"] = "vms.read", ["vm.started"] = "vms.read", ["vm.stopped"] = "vms.read", ["vm.state"] = "vms.read",
        ["host.state"] = "hosts.read", ["operation.ended"] = "operations.read", ["plugin.disabled"] = "plugins.read",
    };
}
