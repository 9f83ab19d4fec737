using Quarterdeck.Appliances;
using Quarterdeck.Plugins;

namespace Quarterdeck.Web.Plugins;

/// <summary>What a person answers before an upgrade; what is not asked stays as it is deployed.</summary>
internal sealed class UpgradeForm
{
    /// <summary>Values of passwords, which the console does not keep; empty leaves them out.</summary>
    public Dictionary<string, string?> Properties { get; } = [];

    /// <summary>The permissions ticked.</summary>
    public HashSet<string> Approved { get; } = [];

    /// <summary>The licences are accepted.</summary>
    public bool AcceptEula { get; set; }

    /// <summary>An unsigned package is welcome.</summary>
    public bool AllowUnsigned { get; set; }

    /// <summary>A version that is not newer is welcome.</summary>
    public bool AllowDowngrade { get; set; }

    /// <summary>Begins anew with a package: what was approved and is asked again stays approved, nothing else is ticked.</summary>
    public void Begin(OvaInspection package, Plugin plugin)
    {
        Properties.Clear();
        Approved.Clear();
        Approved.UnionWith(plugin.ApprovedCapabilities.Intersect(package.Capabilities.Select(c => c.Key)));
        (AcceptEula, AllowUnsigned, AllowDowngrade) = (false, false, false);
    }

    /// <summary>Whether a problem of this field is shown beside it.</summary>
    public static bool Shows(string field) => field is "acceptEula" or "allowUnsigned" or "allowDowngrade" or "capabilities" || field.StartsWith("properties.", StringComparison.Ordinal);

    /// <summary>What REST takes.</summary>
    public UpgradeSpec Read() => new()
    {
        Properties = Properties.Where(p => !string.IsNullOrEmpty(p.Value)).ToDictionary(p => p.Key, p => p.Value!),
        AcceptEula = AcceptEula, AllowUnsigned = AllowUnsigned, AllowDowngrade = AllowDowngrade, Capabilities = [.. Approved.Order(StringComparer.Ordinal)],
    };
}
