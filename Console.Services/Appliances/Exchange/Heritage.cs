using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Exchange;

/// <summary>What a newer package takes over from the appliance whose place it takes.</summary>
/// <param name="Properties">The values it was deployed with; passwords are not among them, as they are not kept.</param>
/// <param name="Disks">Paths of its data disks by OVF disk id.</param>
/// <param name="Networks">The host network of each of its cards, in order.</param>
internal sealed record Heritage(IReadOnlyDictionary<string, string> Properties, IReadOnlyDictionary<string, string> Disks, IReadOnlyList<string> Networks)
{
    /// <summary>Whether the disk is there already, with what the appliance wrote.</summary>
    public bool Keeps(OvfDisk disk) => Disks.ContainsKey(disk.Id);

    /// <summary>Fills in what was not said. A password that was not given again stays out of the environment: the appliance keeps its own on its data disk.</summary>
    /// <exception cref="ProblemException">The package has no place for a data disk.</exception>
    public (ApplianceSpec Spec, OvfDescriptor Descriptor) Complete(ApplianceSpec spec, OvfDescriptor descriptor)
    {
        if (Disks.Keys.FirstOrDefault(id => descriptor.Disks.All(d => d.Id != id)) is { } lost)
            throw new ProblemException(Problem.Conflict("The package gives up a data disk", $"What is installed keeps its data on the disk '{Refusal.Printable(lost)}', which the new package does not have. Ask its publisher for a package that keeps it."));
        var properties = new Dictionary<string, string>(spec.Properties);
        foreach (var property in descriptor.Properties.Where(p => p.UserConfigurable && !p.Password))
            if (Properties.TryGetValue(property.Key, out var before)) properties.TryAdd(property.Key, before);
        var networks = new Dictionary<string, string>(spec.Networks);
        foreach (var (index, card) in descriptor.Hardware.Cards.Index())
            if (index < Networks.Count) networks.TryAdd(card.Network, Networks[index]);
        return (spec with { Properties = properties, Networks = networks }, descriptor with { Properties = [.. descriptor.Properties.Where(p => !p.Password || spec.Properties.ContainsKey(p.Key))] });
    }
}
