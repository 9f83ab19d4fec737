using Quarterdeck.Appliances;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Plugins;

/// <summary>The answers to what a package asks, as typed.</summary>
internal sealed class InstallForm
{
    private static readonly string[] Fields = ["name", "hostId", "deploymentOption", "acceptEula", "allowUnsigned", "plugin", "capabilities"];

    public string? Name { get; set; }
    public string? HostId { get; set; }
    public string? Option { get; private set; }
    public bool AcceptEula { get; set; }
    public bool AllowUnsigned { get; set; }
    public bool Plugin { get; set; }
    public bool Start { get; set; } = true;
    public Dictionary<string, string?> Networks { get; } = [];
    public Dictionary<string, string?> Properties { get; } = [];
    public HashSet<string> Approved { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether the form shows errors of this field beside it.</summary>
    public bool Shows(string field) =>
        Fields.Contains(field) || Networks.Keys.Any(n => field == $"networks.{n}") || Properties.Keys.Any(p => field == $"properties.{p}");

    /// <summary>Takes a new package: its defaults, and a VM name after its product.</summary>
    public void Begin(OvaInspection package, string fileName)
    {
        Name = Printable(package.Product.Name) is { Length: > 0 } product ? product : Path.GetFileNameWithoutExtension(fileName);
        Option = package.Options.FirstOrDefault(o => o.Default)?.Id ?? package.Options.FirstOrDefault()?.Id;
        (AcceptEula, AllowUnsigned, Plugin, Start) = (false, false, false, true);
        Approved.Clear(); // nothing is granted that nobody ticked
        Networks.Clear();
        foreach (var network in package.Networks) Networks[network.Name] = null;
        Properties.Clear();
        foreach (var property in package.Properties.Where(p => p.UserConfigurable)) Properties[property.Key] = Default(property, Option);
    }

    /// <summary>Takes another deployment option; values that were not changed by hand become the option's.</summary>
    public void Choose(OvaInspection package, string? option)
    {
        foreach (var property in package.Properties.Where(p => p.UserConfigurable && p.DefaultByOption.Count > 0))
            if ((Properties[property.Key] ?? "") == (Default(property, Option) ?? "")) Properties[property.Key] = Default(property, option);
        Option = option;
    }

    /// <summary>A property's value unless given, under an option.</summary>
    public static string? Default(OvaProperty property, string? option) => option is not null && property.DefaultByOption.TryGetValue(option, out var value) ? value : property.Default;

    /// <summary>Grants a permission that the plug-in asks for, or takes that back.</summary>
    public void Approve(string key, bool on)
    {
        if (on) Approved.Add(key); else Approved.Remove(key);
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
            Start = Start || package.Plugin || Plugin,
            Networks = Networks.ToDictionary(n => n.Key, n => n.Value!.Trim()),
            // What is left as it came is the package's own default, which an empty answer must be able to override.
            Properties = package.Properties.Where(p => p.UserConfigurable && (Properties[p.Key] ?? "") is var typed && (typed.Length > 0 || typed != (Default(p, Option) ?? "")))
                .ToDictionary(p => p.Key, p => Properties[p.Key] ?? ""),
            Capabilities = [.. package.Capabilities.Where(c => c.Description is not null && Approved.Contains(c.Key)).Select(c => c.Key)],
        };
    }

    /// <summary>What is to be found again after the page was loaded anew.</summary>
    public InstallDraft Keep(string package) => new(package, Name, HostId, Option, AcceptEula, AllowUnsigned, Plugin, Start, new(Networks), new(Properties), [.. Approved]);

    /// <summary>Takes the answers up again that were given for this package.</summary>
    public void Restore(InstallDraft draft, OvaInspection package)
    {
        Choose(package, package.Options.Any(o => o.Id == draft.Option) ? draft.Option : Option);
        (Name, HostId, AcceptEula, AllowUnsigned, Plugin, Start) = (draft.Name, draft.HostId, draft.AcceptEula, draft.AllowUnsigned, draft.Plugin, draft.Start);
        foreach (var (key, value) in draft.Networks.Where(n => Networks.ContainsKey(n.Key))) Networks[key] = value;
        foreach (var (key, value) in draft.Properties.Where(p => Properties.ContainsKey(p.Key))) Properties[key] = value;
        Approved.UnionWith(draft.Approved);
    }

    private static string Printable(string text) => string.Concat(text.Trim().Select(c => c == '/' || char.IsControl(c) ? '-' : c));
}
