using System.Xml.Linq;

namespace Quarterdeck.Appliances.Exchange;

/// <summary>What was found before anything was touched, and what leads back to it. Holds the domain with its secrets: stored encrypted only.</summary>
/// <param name="HostId">The host the VM is on.</param>
/// <param name="Domain">Its UUID there.</param>
/// <param name="Name">Its name now, which may have been changed since it was deployed.</param>
/// <param name="Xml">Its definition.</param>
/// <param name="Running">Whether it ran.</param>
/// <param name="Overlays">What is laid over each data disk while the new version is tried.</param>
/// <param name="Remove">Volumes of the old version alone, to be removed once the new one is kept.</param>
/// <param name="Vcpus">Processors it has now.</param>
/// <param name="MemoryMiB">Memory it has now.</param>
internal sealed record ExchangePlan(
    Guid HostId, Guid Domain, string Name, string Xml, bool Running, IReadOnlyList<Overlay> Overlays, IReadOnlyList<string> Remove, int Vcpus, long MemoryMiB)
{
    /// <summary>The new definition with what is the VM's rather than the version's: its addresses, and no less memory and processors than it was given.</summary>
    public string Adapt(string xml)
    {
        var (before, now) = (XElement.Parse(Xml), XElement.Parse(xml));
        foreach (var (old, card) in Cards(before).Zip(Cards(now)))
            if ((string?)old.Element("mac")?.Attribute("address") is { } mac) card.Element("mac")?.SetAttributeValue("address", mac);
        if (now.Element("memory") is { } memory && (string?)memory.Attribute("unit") == "MiB" && (long)memory < MemoryMiB) memory.SetValue(MemoryMiB);
        if (now.Element("vcpu") is { } vcpu && (int)vcpu < Vcpus) vcpu.SetValue(Vcpus);
        if (before.Element("metadata") is { } metadata && now.Element("metadata") is null) now.Add(new XElement(metadata));
        return now.ToString();
    }

    private static IEnumerable<XElement> Cards(XElement domain) => domain.Element("devices")?.Elements("interface") ?? [];
}

/// <summary>An overlay over a data disk.</summary>
/// <param name="DiskId">The OVF disk id.</param>
/// <param name="Under">Path of the data disk, which is not written to until the new version is kept.</param>
/// <param name="Format">The data disk's format.</param>
/// <param name="SizeBytes">The data disk's capacity.</param>
/// <param name="Pool">The pool of the overlay.</param>
/// <param name="Name">The overlay's name there.</param>
internal sealed record Overlay(string DiskId, string Under, string Format, long SizeBytes, string Pool, string Name);
