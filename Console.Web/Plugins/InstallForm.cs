using Quarterdeck.Appliances;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Plugins;

/// <summary>The answers to what a package asks, as typed.</summary>
internal sealed class InstallForm
{
    private static readonly string[] Fields = ["name", "hostId", "deploymentOption", "acceptEula", "allowUnsigned", "plugin"];

    public string? Name { get; set; }
    public string? HostId { get; set; }
    public string? Option { get; set; }
    public bool AcceptEula { get; set; }
    public bool AllowUnsigned { get; set; }
    public bool Plugin { get; set; }
    public Dictionary<string, string?> Networks { get; } = [];
    public Dictionary<string, string?> Properties { get; } = [];

    /// <summary>Whether the form shows errors of this field beside it.</summary>
    public bool Shows(string field) =>
        Fields.Contains(field) || Networks.Keys.Any(n => field == $"networks.{n}") || Properties.Keys.Any(p => field == $"properties.{p}");

    /// <summary>Takes a new package: its defaults, and a VM name after its product.</summary>
    public void Begin(OvaInspection package, string fileName)
    {
        Name = Printable(package.Product.Name) is { Length: > 0 } product ? product : Path.GetFileNameWithoutExtension(fileName);
        Option = package.Options.FirstOrDefault(o => o.Default)?.Id ?? package.Options.FirstOrDefault()?.Id;
        (AcceptEula, AllowUnsigned, Plugin) = (false, false, false);
        Networks.Clear();
        foreach (var network in package.Networks) Networks[network.Name] = null;
        Properties.Clear();
        foreach (var property in package.Properties.Where(p => p.UserConfigurable)) Properties[property.Key] = property.Default;
    }

    /// <summary>Fills networks that were not chosen yet.</summary>
    public void Suggest(string network)
    {
        foreach (var name in Networks.Keys.ToArray()) Networks[name] ??= network;
    }

    /// <summary>The specification, or what is missing; values are judged by the import.</summary>
    public Result<ApplianceSpec> Read(OvaInspection package)
    {
        var errors = new List<FieldError>();
        if (string.IsNullOrWhiteSpace(Name)) errors.Add(new("name", "The VM needs a name.", "Give one that no other VM of the host has."));
        if (!Guid.TryParse(HostId, out var host)) errors.Add(new("hostId", "No host is chosen.", "Choose one; hosts are added under Hosts."));
        if (package.Eulas.Count > 0 && !AcceptEula) errors.Add(new("acceptEula", "The licence is not accepted.", "Read it and tick the box, or choose another package."));
        if (package.Signature.State is not SignatureState.Trusted && !AllowUnsigned) errors.Add(new("allowUnsigned", "No trusted publisher signed the package.", "Tick the box if you know where it comes from."));
        errors.AddRange(Networks.Where(n => string.IsNullOrWhiteSpace(n.Value)).Select(n => new FieldError($"networks.{n.Key}", "No host network is chosen.", "Name one, or user.")));
        if (errors.Count > 0) return Problem.Invalid(errors);
        return new ApplianceSpec
        {
            Name = Name!.Trim(),
            HostId = host,
            DeploymentOption = string.IsNullOrEmpty(Option) ? null : Option,
            AcceptEula = AcceptEula,
            AllowUnsigned = AllowUnsigned,
            Plugin = Plugin ? true : null,
            Networks = Networks.ToDictionary(n => n.Key, n => n.Value!.Trim()),
            Properties = Properties.Where(p => !string.IsNullOrEmpty(p.Value)).ToDictionary(p => p.Key, p => p.Value!),
        };
    }

    private static string Printable(string text) => string.Concat(text.Trim().Select(c => c == '/' || char.IsControl(c) ? '-' : c));
}
