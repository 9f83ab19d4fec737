using System.Text;
using Quarterdeck.Access;
using Quarterdeck.Appliances.Environment;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Checks what was asked for: alone, before the upload, and against the descriptor, before the first disk.</summary>
internal static class SpecCheck
{
    private const int MaxValue = 16 << 10, MaxValues = 256 << 10, MaxCapabilities = 32;

    /// <summary>What is wrong with the specification alone; null when nothing is.</summary>
    public static Problem? Alone(ApplianceSpec spec, PermissionCatalogue permissions)
    {
        var errors = new List<FieldError>();
        if (string.IsNullOrWhiteSpace(spec.Name) || Encoding.UTF8.GetByteCount(spec.Name) > 200 || spec.Name.Contains('/') || spec.Name.Any(char.IsControl) || spec.Name != spec.Name.Trim() || !EnvironmentDocument.CanHold(spec.Name))
            errors.Add(new("name", "The name is not usable.", "Give 1 to 200 bytes without '/', control characters, or blanks at an end."));
        if (spec.HostId == Guid.Empty) errors.Add(new("hostId", "No host is named.", "Give the id of a host, see GET /hosts."));
        foreach (var (key, value) in spec.Properties)
            if (value is null || value.Length > MaxValue || !EnvironmentDocument.CanHold(value)) errors.Add(new($"properties.{Refusal.Printable(key)}", "The value is missing, too long, or has characters that XML cannot hold.", $"Give at most {MaxValue} characters of text."));
        if (spec.Properties.Sum(p => (long)p.Key.Length + (p.Value?.Length ?? 0)) > MaxValues) errors.Add(new("properties", "The values are too long together.", $"Give at most {MaxValues} characters in all."));
        foreach (var (network, target) in spec.Networks)
            if (!HostNetwork.IsName(target)) errors.Add(new($"networks.{Refusal.Printable(network)}", $"'{Refusal.Printable(target ?? "")}' names no host network.", "Give a libvirt network's name, bridge:NAME, or user."));
        if (spec.Capabilities.Count > MaxCapabilities) errors.Add(new("capabilities", $"More than {MaxCapabilities} are approved.", "Name those that the plug-in asks for."));
        else
            foreach (var key in spec.Capabilities.Where(k => k is null || permissions.Find(k) is null))
                errors.Add(new("capabilities", $"The console has no permission '{Refusal.Printable(key ?? "")}', so it cannot be granted.", "Leave it out; POST /appliances/inspect lists what the plug-in asks for."));
        return errors.Count > 0 ? Problem.Invalid(errors) : null;
    }

    /// <summary>What is wrong with it for this package.</summary>
    /// <returns>Every property's value for the environment, and which of them are secrets.</returns>
    /// <exception cref="ProblemException">A field does not fit; names all that don't.</exception>
    public static IReadOnlyDictionary<string, PropertyValue> Against(ApplianceSpec spec, OvfDescriptor descriptor)
    {
        var (values, errors) = Judge(spec, descriptor.Properties, descriptor.Networks, descriptor.Eulas);
        return errors.Count > 0 ? throw new ProblemException(Problem.Invalid(errors)) : values;
    }

    /// <summary>The same for a package that was inspected; null when nothing is wrong.</summary>
    public static Problem? Against(ApplianceSpec spec, OvaInspection package)
    {
        var option = spec.DeploymentOption ?? package.Options.FirstOrDefault(o => o.Default)?.Id;
        if (spec.DeploymentOption is { } wanted && package.Options.All(o => o.Id != wanted)) return Problem.Invalid("deploymentOption", $"The package has no deployment option '{Refusal.Printable(wanted)}'.", $"Its options: {List(package.Options.Select(o => o.Id))}.");
        var properties = package.Properties.Select(p => option is not null && p.DefaultByOption.TryGetValue(option, out var value) ? p with { Default = value } : p);
        var (_, errors) = Judge(spec, [.. properties], package.Networks, package.Eulas);
        return errors.Count > 0 ? Problem.Invalid(errors) : null;
    }

    private static (Dictionary<string, PropertyValue> Values, List<FieldError> Errors) Judge(ApplianceSpec spec, IReadOnlyList<OvaProperty> properties, IReadOnlyList<OvaNetwork> networks, IReadOnlyList<string> eulas)
    {
        var errors = new List<FieldError>();
        foreach (var key in spec.Properties.Keys.Where(k => properties.All(p => p.Key != k)))
            errors.Add(new($"properties.{Refusal.Printable(key)}", "The package has no such property.", $"Its properties: {List(properties.Where(p => p.UserConfigurable).Select(p => p.Key))}."));
        foreach (var name in spec.Networks.Keys.Where(k => networks.All(n => n.Name != k)))
            errors.Add(new($"networks.{Refusal.Printable(name)}", "The package has no such network.", $"Its networks: {List(networks.Select(n => n.Name))}."));
        if (eulas.Count > 0 && !spec.AcceptEula) errors.Add(new("acceptEula", "The package has a licence that was not accepted.", "Read it (POST /appliances/inspect shows it) and send true."));
        var values = new Dictionary<string, PropertyValue>(StringComparer.Ordinal);
        foreach (var property in properties)
        {
            var given = spec.Properties.TryGetValue(property.Key, out var text);
            if (given && !property.UserConfigurable) errors.Add(new($"properties.{property.Key}", "This property is fixed by the package.", "Leave it out."));
            var value = given ? text! : property.Default ?? "";
            if ((given || property.UserConfigurable) && PropertyCheck.Check(property, value) is { } error) errors.Add(error);
            if (!EnvironmentDocument.CanHold(property.Key) || !EnvironmentDocument.CanHold(value)) errors.Add(new("file", $"The property {Refusal.Printable(property.Key)} has characters that XML cannot hold.", "Ask the publisher for an intact package."));
            values[property.Key] = new PropertyValue(value, property.Password);
        }
        return (values, errors);
    }

    private static string List(IEnumerable<string> names) => string.Join(", ", names.Take(20).Select(Refusal.Printable).DefaultIfEmpty("none"));
}

/// <summary>A property's value and whether it is a secret.</summary>
internal sealed record PropertyValue(string Value, bool Secret);
