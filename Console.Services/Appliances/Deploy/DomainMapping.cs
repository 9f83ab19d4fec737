using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Hosts;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Makes a libvirt domain of a package's hardware.</summary>
/// <remarks>Machine <c>pc</c>, because appliances expect IDE and BIOS; <c>q35</c> where the package asks for UEFI, and then IDE becomes SATA.</remarks>
internal sealed class DomainMapping(DeployInput input, OvfDescriptor descriptor, IReadOnlyDictionary<string, string> networks, Acceleration acceleration)
{
    private readonly Dictionary<string, int> _units = [];
    private bool Efi => descriptor.Hardware.Efi;

    public string Xml(IReadOnlyList<DiskVolume> disks, string environmentIso)
    {
        var hardware = descriptor.Hardware;
        var paths = disks.ToDictionary(d => d.DiskId, d => d.Path);
        var devices = new XElement("devices");
        // The environment's drive takes its place first: guests look for it at the second IDE channel.
        devices.Add(Cdrom(environmentIso));
        var order = 0;
        foreach (var drive in hardware.Drives) devices.Add(Disk(drive.DiskId!, paths[drive.DiskId!], Efi && drive.Bus == "ide" ? "sata" : drive.Bus, ++order));
        if (hardware.Drives.Any(d => d.Bus == "scsi")) devices.Add(new XElement("controller", new XAttribute("type", "scsi"), new XAttribute("index", 0), new XAttribute("model", hardware.ScsiModel)));
        foreach (var (card, index) in hardware.Cards.Select((c, i) => (c, i)))
        {
            var element = HostNetwork.Interface(networks[card.Network]);
            element.Add(new XElement("mac", new XAttribute("address", Mac(index))), new XElement("model", new XAttribute("type", card.Model)));
            devices.Add(element);
        }
        devices.Add(XElement.Parse("<serial type='pty'/>"), XElement.Parse("<console type='pty'><target type='serial'/></console>"),
            XElement.Parse("<graphics type='vnc'><listen type='none'/></graphics>"), XElement.Parse("<video><model type='vga'/></video>"),
            XElement.Parse("<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"));
        return new XElement("domain",
            new XAttribute("type", acceleration switch { Acceleration.Kvm => "kvm", Acceleration.Mock => "test", _ => "qemu" }),
            new XElement("name", input.Name),
            new XElement("uuid", input.VmId.ToString("D")),
            new XElement("title", Title()),
            new XElement("memory", new XAttribute("unit", "MiB"), hardware.MemoryMiB),
            new XElement("vcpu", hardware.Vcpus),
            new XElement("os", Efi ? new XAttribute("firmware", "efi") : null, new XElement("type", new XAttribute("arch", "x86_64"), new XAttribute("machine", Efi ? "q35" : "pc"), "hvm")),
            XElement.Parse("<features><acpi/><apic/></features>"),
            // Emulated, the default model lacks AES and SSE4: each TLS handshake of a guest would take a second longer.
            acceleration switch { Acceleration.Kvm => XElement.Parse("<cpu mode='host-model'/>"), Acceleration.Mock => null, _ => XElement.Parse("<cpu mode='maximum'/>") },
            XElement.Parse("<clock offset='utc'/>"),
            devices).ToString();
    }

    private string Title() => string.Join(' ', new[] { descriptor.Product.Name, descriptor.Product.Version }.Where(t => t.Length > 0)).Replace('\n', ' ');

    private XElement Cdrom(string iso)
    {
        _units["hd"] = 0;
        var (device, bus) = Efi ? (Next("sd"), "sata") : ("hdc", "ide");
        return new XElement("disk", new XAttribute("type", "file"), new XAttribute("device", "cdrom"),
            new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", "raw")),
            new XElement("source", new XAttribute("file", iso)),
            new XElement("target", new XAttribute("dev", device), new XAttribute("bus", bus)), new XElement("readonly"));
    }

    private XElement Disk(string id, string path, string bus, int order)
    {
        var device = Next(bus switch { "virtio" => "vd", "ide" => "hd", _ => "sd" });
        if (device == "hdc") device = Next("hd");
        if (bus == "ide" && device[^1] > 'd') throw Refusal.Of("package", "it has more than three disks on IDE controllers, and a PC holds no more beside a CD drive.");
        return new XElement("disk", new XAttribute("type", "file"), new XAttribute("device", "disk"),
            new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", "qcow2"), new XAttribute("discard", "unmap")),
            new XElement("source", new XAttribute("file", path)),
            new XElement("target", new XAttribute("dev", device), new XAttribute("bus", bus)),
            new XElement("serial", Serial(id)), new XElement("boot", new XAttribute("order", order)),
            // The emulated LSI and VMware controllers have targets of one unit each, not one target of many units.
            bus == "scsi" ? new XElement("address", new XAttribute("type", "drive"), new XAttribute("controller", 0), new XAttribute("bus", 0), new XAttribute("target", order - 1), new XAttribute("unit", 0)) : null);
    }

    private string Next(string prefix)
    {
        var unit = _units.GetValueOrDefault(prefix);
        _units[prefix] = unit + 1;
        return prefix + (char)('a' + unit);
    }

    private static string Serial(string id) => new([.. id.Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_').Take(16)]);

    /// <summary>The same at every attempt, so that a repeated definition is the same VM.</summary>
    private string Mac(int index)
    {
        var hash = SHA256.HashData(Encoding.ASCII.GetBytes($"{input.VmId:D}/{index}"));
        return $"52:54:00:{hash[0]:x2}:{hash[1]:x2}:{hash[2]:x2}";
    }
}
