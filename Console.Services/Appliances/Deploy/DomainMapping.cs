using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Quarterdeck.Appliances.Environment;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Hosts;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Makes a libvirt domain of a package's hardware.</summary>
/// <remarks>Machine <c>pc</c>, because appliances expect IDE and BIOS; <c>q35</c> where the package asks for UEFI, and then IDE becomes SATA.</remarks>
internal sealed class DomainMapping(DeployInput input, OvfDescriptor descriptor, IReadOnlyDictionary<string, string> networks, Acceleration acceleration)
{
    private readonly OvfHardware _hardware = descriptor.Hardware;
    private readonly DriveBay _bay = new(descriptor.Hardware.Efi, descriptor.Hardware.Controllers);
    private int _order;

    /// <param name="disks">The volumes of the package's disks.</param>
    /// <param name="discs">The volumes of its CDs.</param>
    /// <param name="environment">Where its environment lies.</param>
    public string Xml(IReadOnlyList<DiskVolume> disks, IReadOnlyList<IsoVolume> discs, EnvironmentPlaces environment)
    {
        var devices = new XElement("devices");
        Drives(devices, disks, discs, environment);
        foreach (var scsi in _hardware.Controllers.Where(c => c.Bus == "scsi")) devices.Add(Controller("scsi", scsi.Index, scsi.Model!));
        foreach (var (card, index) in _hardware.Cards.Select((c, i) => (c, i)))
        {
            var element = HostNetwork.Interface(networks[card.Network]);
            element.Add(new XElement("mac", new XAttribute("address", Mac(index))), new XElement("model", new XAttribute("type", card.Model)));
            devices.Add(element);
        }
        Ports(devices);
        if (_hardware.Usb is { } usb) devices.Add(Controller("usb", 0, usb), XElement.Parse("<input type='tablet' bus='usb'/>"));
        foreach (var sound in _hardware.Sounds) devices.Add(new XElement("sound", new XAttribute("model", sound), new XElement("audio", new XAttribute("id", 1))));
        // Nobody listens at the host: without this, QEMU would open the host's own sound.
        if (_hardware.Sounds.Count > 0) devices.Add(XElement.Parse("<audio id='1' type='none'/>"));
        devices.Add(XElement.Parse("<graphics type='vnc'><listen type='none'/></graphics>"), Video(), XElement.Parse("<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"));
        return new XElement("domain",
            new XAttribute("type", acceleration switch { Acceleration.Kvm => "kvm", Acceleration.Mock => "test", _ => "qemu" }),
            new XElement("name", input.Name),
            new XElement("uuid", input.VmId.ToString("D")),
            new XElement("title", Title()),
            new XElement("memory", new XAttribute("unit", "MiB"), _hardware.MemoryMiB),
            new XElement("vcpu", _hardware.Vcpus),
            environment.Firmware is { } file ? FirmwareConfig(file) : null,
            Os(),
            XElement.Parse("<features><acpi/><apic/></features>"),
            Cpu(),
            // Windows takes the machine's clock for local time.
            XElement.Parse(descriptor.Product.OperatingSystem.Contains("windows", StringComparison.OrdinalIgnoreCase) ? "<clock offset='localtime'/>" : "<clock offset='utc'/>"),
            devices).ToString();
    }

    private void Drives(XElement devices, IReadOnlyList<DiskVolume> disks, IReadOnlyList<IsoVolume> discs, EnvironmentPlaces environment)
    {
        var paths = disks.ToDictionary(d => d.DiskId, d => d.Path);
        foreach (var drive in _hardware.Drives) devices.Add(Disk(drive, paths[drive.DiskId!]));
        var waiting = environment.Iso;
        foreach (var drive in _hardware.CdDrives)
        {
            var disc = drive.FileId is { } file ? discs.FirstOrDefault(d => d.FileId == file)?.Path : null;
            // As on other platforms, the environment goes into the first drive that is empty.
            if (disc is null) (disc, waiting) = (waiting, null);
            devices.Add(Cdrom(drive, disc, boots: drive.FileId is not null && disc is not null));
        }
        if (waiting is not null) devices.Add(Cdrom(new OvfDrive(null, null, "ide", 1, 0), waiting, boots: false));
    }

    private XElement Disk(OvfDrive drive, string path)
    {
        var disk = new XElement("disk", new XAttribute("type", "file"), new XAttribute("device", "disk"),
            new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", "qcow2"), new XAttribute("discard", "unmap")),
            new XElement("source", new XAttribute("file", path)),
            new XElement("serial", Serial(drive.DiskId!)), new XElement("boot", new XAttribute("order", ++_order)));
        _bay.Place(disk, drive.Bus, drive.Controller, drive.Unit);
        return disk;
    }

    private XElement Cdrom(OvfDrive drive, string? disc, bool boots)
    {
        var cd = new XElement("disk", new XAttribute("type", "file"), new XAttribute("device", "cdrom"),
            new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", "raw")),
            disc is null ? null : new XElement("source", new XAttribute("file", disc)), new XElement("readonly"),
            boots ? new XElement("boot", new XAttribute("order", ++_order)) : null);
        _bay.Place(cd, drive.Bus, drive.Controller, drive.Unit);
        return cd;
    }

    private void Ports(XElement devices)
    {
        // The first serial port is there for the console even if the package has none.
        for (var port = 0; port < Math.Max(1, _hardware.SerialPorts); port++) devices.Add(new XElement("serial", new XAttribute("type", "pty"), new XElement("target", new XAttribute("port", port))));
        devices.Add(XElement.Parse("<console type='pty'><target type='serial'/></console>"));
        for (var port = 0; port < _hardware.ParallelPorts; port++) devices.Add(new XElement("parallel", new XAttribute("type", "pty"), new XElement("target", new XAttribute("port", port))));
    }

    private XElement Os() => new("os", _hardware.Efi ? new XAttribute("firmware", "efi") : null,
        new XElement("type", new XAttribute("arch", "x86_64"), new XAttribute("machine", _hardware.Efi ? "q35" : "pc"), "hvm"),
        // Loaders of appliances are seldom signed by whom the firmware trusts.
        _hardware.Efi && acceleration is not Acceleration.Mock ? XElement.Parse("<firmware><feature enabled='no' name='secure-boot'/></firmware>") : null);

    private XElement? Cpu()
    {
        // Emulated, the default model lacks AES and SSE4: each TLS handshake of a guest would take a second longer.
        XElement? cpu = acceleration switch { Acceleration.Kvm => XElement.Parse("<cpu mode='host-model'/>"), Acceleration.Mock => null, _ => XElement.Parse("<cpu mode='maximum'/>") };
        if (_hardware.CoresPerSocket is { } cores and > 0 && _hardware.Vcpus % cores == 0)
            cpu?.Add(new XElement("topology", new XAttribute("sockets", _hardware.Vcpus / cores), new XAttribute("cores", cores), new XAttribute("threads", 1)));
        return cpu;
    }

    private XElement Video()
    {
        var model = new XElement("model", new XAttribute("type", _hardware.Video));
        // QEMU takes powers of two.
        if (_hardware.Video == "vga" && _hardware.VideoKiB is { } memory) model.Add(new XAttribute("vram", Math.Max(1024, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)memory))));
        return new XElement("video", model);
    }

    private static XElement FirmwareConfig(string file) => new("sysinfo", new XAttribute("type", "fwcfg"), new XElement("entry", new XAttribute("name", EnvironmentPlaces.FirmwareName), new XAttribute("file", file)));

    private static XElement Controller(string type, int index, string model) => new("controller", new XAttribute("type", type), new XAttribute("index", index), new XAttribute("model", model));

    private string Title() => string.Join(' ', new[] { descriptor.Product.Name, descriptor.Product.Version }.Where(t => t.Length > 0)).Replace('\n', ' ');

    private static string Serial(string id) => new([.. id.Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_').Take(16)]);

    /// <summary>The same at every attempt, so that a repeated definition is the same VM.</summary>
    private string Mac(int index)
    {
        var hash = SHA256.HashData(Encoding.ASCII.GetBytes($"{input.VmId:D}/{index}"));
        return $"52:54:00:{hash[0]:x2}:{hash[1]:x2}:{hash[2]:x2}";
    }
}
