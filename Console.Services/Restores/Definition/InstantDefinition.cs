using System.Xml.Linq;
using Quarterdeck.Restores.Instant;

namespace Quarterdeck.Restores.Definition;

/// <summary>Lays a VM's disks over what is served of a recovery point, and takes them off again.</summary>
internal static class InstantDefinition
{
    /// <summary>The definition in which each disk is an overlay that reads from its socket what it does not have.</summary>
    public static string Over(string xml, IReadOnlyList<InstantDisk> disks)
    {
        var domain = XElement.Parse(xml);
        foreach (var disk in disks)
        {
            var element = Find(domain, disk);
            element.Elements("backingStore").Remove();
            element.Elements("transient").Remove();
            if (element.Element("driver") is not { } driver) element.AddFirst(driver = new XElement("driver", new XAttribute("name", "qemu")));
            driver.SetAttributeValue("type", "qcow2");
            // A read that fails stops the guest, which goes on when it can: it never sees the error.
            driver.SetAttributeValue("error_policy", "stop");
            driver.SetAttributeValue("rerror_policy", "stop");
            element.Add(new XElement("backingStore", new XAttribute("type", "network"), new XElement("format", new XAttribute("type", "raw")),
                new XElement("source", new XAttribute("protocol", "nbd"), new XAttribute("name", disk.Target), new XElement("host", new XAttribute("transport", "unix"), new XAttribute("socket", disk.Socket))),
                new XElement("backingStore")));
        }
        return domain.ToString();
    }

    /// <summary>The definition without what lies under the disk's own image.</summary>
    public static string Alone(string xml, InstantDisk disk)
    {
        var domain = XElement.Parse(xml);
        Find(domain, disk).Elements("backingStore").Remove();
        return domain.ToString();
    }

    /// <summary>Whether the disk still reads from its socket; false for one that is not in the definition any more.</summary>
    public static bool Stands(string xml, InstantDisk disk) =>
        XElement.Parse(xml).Element("devices")?.Elements("disk").FirstOrDefault(d => Is(d, disk))?.Descendants("host").Any(h => (string?)h.Attribute("socket") == disk.Socket) ?? false;

    /// <summary>The name of QEMU's node for the overlay; null when it does not tell.</summary>
    public static string? Node(string liveXml, InstantDisk disk) =>
        (string?)XElement.Parse(liveXml).Element("devices")?.Elements("disk").FirstOrDefault(d => Is(d, disk))?.Element("source")?.Attribute("index") is { } index ? $"libvirt-{index}-format" : null;

    private static XElement Find(XElement domain, InstantDisk disk) => domain.Element("devices")!.Elements("disk").First(d => Is(d, disk));

    private static bool Is(XElement element, InstantDisk disk) => (string?)element.Element("source")?.Attribute("file") == disk.Overlay;
}
