using System.Globalization;
using System.Xml.Linq;
using Quarterdeck.Hosts;
using Quarterdeck.Restores.Definition;
using Quarterdeck.Restores.Instant;

namespace Quarterdeck.Restores;

/// <summary>A disk of a throw-away copy: an image that takes writes, over an export of a recovery point.</summary>
/// <param name="Target">Its name in the VM.</param>
/// <param name="Overlay">An empty qcow2 image on the host.</param>
/// <param name="Socket">Where the export listens.</param>
public sealed record IsolatedDisk(string Target, string Overlay, string Socket);

/// <summary>How the copy reaches out: not at all, but for ports of the console's own loopback that lead into it.</summary>
/// <param name="Ports">The guest's TCP ports that are to be asked.</param>
/// <param name="GuestAddress">The guest's IPv4 address if it is fixed; null when it asks for one by DHCP.</param>
public sealed record IsolatedNetwork(IReadOnlyList<int> Ports, string? GuestAddress);

/// <summary>Turns a recovery point's definition into one of a VM that runs beside everything else and touches nothing.</summary>
public static class IsolatedCopy
{
    /// <summary>Name of the network back end in QEMU, for its monitor.</summary>
    public const string NetworkName = "quarterdeck-net";

    /// <summary>Name of the buffer that takes what the guest writes to its first serial port.</summary>
    public const string SerialName = "quarterdeck-serial";

    private static readonly XNamespace Qemu = "http://libvirt.org/schemas/domain/qemu/1.0";
    private static readonly string[] ReachesOut = ["interface", "hostdev", "filesystem", "redirdev", "smartcard", "vsock", "shmem", "serial", "console", "parallel", "graphics", "audio", "sound", "panic", "watchdog", "crypto"];
    private static readonly string[] Placement = ["memoryBacking", "memtune", "numatune", "cputune", "blkiotune", "resource", "launchSecurity", "bootloader", "seclabel"];

    /// <summary>The definition, for a domain that vanishes when it ends. It has a user-mode network that is closed to both sides but for the named ports, a screen, and a buffered serial port; nothing of the host is passed to it.</summary>
    public static string Definition(string domainXml, string name, Guid uuid, IReadOnlyList<IsolatedDisk> disks, IsolatedNetwork network, Acceleration acceleration)
    {
        var overlays = disks.Select(d => new InstantDisk(d.Target, d.Overlay, 0, d.Socket)).ToList();
        var card = XElement.Parse(domainXml).Element("devices")?.Element("interface");
        var domain = XElement.Parse(InstantDefinition.Over(DomainCopy.Other(domainXml, name, uuid, disks.ToDictionary(d => d.Target, d => d.Overlay), acceleration, _ => false), overlays));
        domain.Elements().Where(e => Placement.Contains(e.Name.LocalName) || e.Name.Namespace == Qemu).ToArray().Remove();
        domain.Element("vcpu")?.Attribute("cpuset")?.Remove();
        foreach (var end in new[] { "on_poweroff", "on_crash" }) domain.SetElementValue(end, "destroy");
        var devices = domain.Element("devices")!;
        devices.Elements().Where(e => ReachesOut.Contains(e.Name.LocalName) || e.Name.LocalName == "channel" && (string?)e.Attribute("type") != "unix").ToArray().Remove();
        devices.Elements("disk").Where(d => (string?)d.Attribute("device") is "cdrom" or "floppy").Elements("source").ToArray().Remove();
        devices.Add(new XElement("graphics", new XAttribute("type", "vnc"), new XElement("listen", new XAttribute("type", "none"))));
        if (devices.Element("video") is null) devices.Add(new XElement("video", new XElement("model", new XAttribute("type", "vga"))));
        domain.Add(new XElement(Qemu + "commandline", new XAttribute(XNamespace.Xmlns + "qemu", Qemu), Arguments(card, network).Select(a => new XElement(Qemu + "arg", new XAttribute("value", a)))));
        return domain.ToString();
    }

    // libvirt's user networks cannot be closed, so the card is QEMU's own. It keeps its model and address: a guest knows its card by them.
    private static IEnumerable<string> Arguments(XElement? card, IsolatedNetwork network)
    {
        yield return "-chardev";
        yield return $"ringbuf,id={SerialName},size=65536";
        yield return "-serial";
        yield return $"chardev:{SerialName}";
        if (card is null) yield break;
        var forwards = string.Concat(network.Ports.Distinct().Select(p => string.Create(CultureInfo.InvariantCulture, $",hostfwd=tcp:127.0.0.1:0-{network.GuestAddress}:{p}")));
        var range = network.GuestAddress is { } address ? $",net={address[..address.LastIndexOf('.')]}.0/24" : "";
        yield return "-netdev";
        yield return $"user,id={NetworkName},restrict=on{range}{forwards}";
        yield return "-device";
        var model = (string?)card.Element("model")?.Attribute("type") switch { "e1000" => "e1000", "e1000e" => "e1000e", "rtl8139" => "rtl8139", "vmxnet3" => "vmxnet3", _ => "virtio-net-pci" };
        var mac = (string?)card.Element("mac")?.Attribute("address");
        // A slot that libvirt, which counts from the first on, does not come to; on q35 it is the sound card's, and that was left out.
        yield return $"{model},netdev={NetworkName},id=quarterdeck-card,addr=0x1b{(mac is null ? "" : $",mac={mac}")}";
    }
}
