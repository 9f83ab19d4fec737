using Quarterdeck.Appliances;

namespace Quarterdeck.Web.Plugins;

/// <content>What the wizard's parts are called, and which answers belong to each.</content>
public sealed partial class InstallPage
{
    /// <summary>A package whose signature is broken or whose publisher was withdrawn is never deployed.</summary>
    private static bool Refused(OvaInspection package) => package.Signature.State is SignatureState.Invalid or SignatureState.Revoked;

    /// <summary>The same package again, to whom answers belong; its first line is for people.</summary>
    private string Identity(OvaInspection package) => $"{_fileName}\n{_fileBytes}\n{package.Product.Name}\n{package.Product.Version}";

    private static IEnumerable<IGrouping<string, OvaProperty>> Groups(OvaInspection package) => package.Properties.Where(p => p.UserConfigurable).GroupBy(p => p.Category);

    private static string Category(string category) => category.Length > 0 ? category : "Settings of the appliance";

    private IReadOnlyList<InstallOutline.Entry> Outline(OvaInspection package)
    {
        var entries = new List<InstallOutline.Entry> { new("package", "Package", Wrong("allowUnsigned", "plugin")) };
        if (package.Eulas.Count > 0) entries.Add(new("licence", package.Eulas.Count == 1 ? "Licence" : "Licences", Wrong("acceptEula")));
        entries.Add(new("place", "Name and place", Wrong("name", "hostId")));
        if (package.Options.Count > 0) entries.Add(new("size", "Size", Wrong("deploymentOption")));
        if (package.Networks.Count > 0) entries.Add(new("networks", "Networks", Wrong([.. package.Networks.Select(n => $"networks.{n.Name}")])));
        entries.AddRange(Groups(package).Select((g, i) => new InstallOutline.Entry($"settings-{i}", Category(g.Key), Wrong([.. g.Select(p => $"properties.{p.Key}")]))));
        if (package.Capabilities.Count > 0) entries.Add(new("permissions", "Permissions", Wrong("capabilities")));
        return entries;
    }

    private int Wrong(params string[] fields) => _problem?.Errors.Count(e => fields.Contains(e.Field)) ?? 0;

    private static string Label(OvaInspection package, string field) => field switch
    {
        "name" => "Name of the VM",
        "hostId" => "Host",
        "deploymentOption" => "Size",
        "acceptEula" => "Licence",
        "allowUnsigned" => "Where the package comes from",
        "plugin" => "Plug-in",
        "capabilities" => "Permissions",
        _ when field.StartsWith("networks.", StringComparison.Ordinal) => $"Network “{field["networks.".Length..]}”",
        _ => package.Properties.FirstOrDefault(p => field == $"properties.{p.Key}")?.Label ?? field,
    };
}
