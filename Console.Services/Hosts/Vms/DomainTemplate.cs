using System.Xml.Linq;

namespace Quarterdeck.Hosts.Vms;

/// <summary>The domain XML of a VM that the console creates. Everything from outside goes through XDocument, which escapes it.</summary>
internal static class DomainTemplate
{
    /// <summary>Builds it.</summary>
    /// <param name="spec">What is wanted.</param>
    /// <param name="acceleration">What runs the processors.</param>
    /// <param name="paths">Paths of the disks' files, by target.</param>
    public static string Build(VmSpec spec, Acceleration acceleration, IReadOnlyDictionary<string, string> paths)
    {
        var mock = acceleration == Acceleration.Mock;
        var kvm = acceleration == Acceleration.Kvm;
        return new XElement("domain", new XAttribute("type", mock ? "test" : kvm ? "kvm" : "qemu"),
            new XElement("name", spec.Name),
            new XElement("uuid", spec.VmId),
            new XElement("memory", new XAttribute("unit", "MiB"), spec.MemoryMiB),
            new XElement("vcpu", spec.Vcpus),
            new XElement("os",
                new XElement("type", mock ? null : new object[] { new XAttribute("arch", "x86_64"), new XAttribute("machine", spec.Machine) }, "hvm"),
                Boot(spec.BootOrder)),
            new XElement("features", new XElement("acpi"), new XElement("apic")),
            mock ? null : new XElement("cpu", new XAttribute("mode", kvm ? "host-model" : "maximum")),
            new XElement("clock", new XAttribute("offset", "utc")),
            new XElement("on_poweroff", "destroy"), new XElement("on_reboot", "restart"), new XElement("on_crash", "destroy"),
            new XElement("devices",
                spec.Disks.Select(d => Disk(d, paths[d.Target])),
                spec.Cdrom is null ? null : Cdrom(spec.Cdrom, spec.Machine),
                spec.Network is null ? null : Nic(spec.Network),
                mock ? null : Desk()))
            .ToString();
    }

    /// <summary>Boot devices as <c>os</c> holds them.</summary>
    public static IEnumerable<XElement> Boot(IReadOnlyList<BootDevice> order) => order.Select(d => new XElement("boot", new XAttribute("dev", d switch
    {
        BootDevice.Disk => "hd",
        BootDevice.Cdrom => "cdrom",
        _ => "network",
    })));

    /// <summary>An interface to a host network, as design.md names it.</summary>
    public static XElement Nic(string network)
    {
        var (type, source) = network switch
        {
            "user" => ("user", null),
            _ when network.StartsWith("bridge:", StringComparison.Ordinal) => ("bridge", new XElement("source", new XAttribute("bridge", network["bridge:".Length..]))),
            _ => ("network", new XElement("source", new XAttribute("network", network))),
        };
        return new XElement("interface", new XAttribute("type", type), source, new XElement("model", new XAttribute("type", "virtio")));
    }

    private static XElement Disk(DiskSpec disk, string path) => new("disk", new XAttribute("type", "file"), new XAttribute("device", "disk"),
        new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", disk.Format), new XAttribute("discard", "unmap")),
        new XElement("source", new XAttribute("file", path)),
        new XElement("target", new XAttribute("dev", disk.Target), new XAttribute("bus", "virtio")));

    // The pc machine has an IDE drive, which also kernels without AHCI can read.
    private static XElement Cdrom(string path, string machine) => new("disk", new XAttribute("type", "file"), new XAttribute("device", "cdrom"),
        new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", "raw")),
        new XElement("source", new XAttribute("file", path)),
        new XElement("target", new XAttribute("dev", machine == "pc" ? "hda" : "sda"), new XAttribute("bus", machine == "pc" ? "ide" : "sata")),
        new XElement("readonly"));

    private static object[] Desk() =>
    [
        new XElement("controller", new XAttribute("type", "usb"), new XAttribute("model", "qemu-xhci")),
        new XElement("input", new XAttribute("type", "tablet"), new XAttribute("bus", "usb")), // absolute positions, so that the pointer in the page fits
        new XElement("graphics", new XAttribute("type", "vnc"), new XElement("listen", new XAttribute("type", "none"))),
        new XElement("video", new XElement("model", new XAttribute("type", "vga"))),
        new XElement("serial", new XAttribute("type", "pty")),
        new XElement("channel", new XAttribute("type", "unix"), new XElement("target", new XAttribute("type", "virtio"), new XAttribute("name", "org.qemu.guest_agent.0"))),
        new XElement("rng", new XAttribute("model", "virtio"), new XElement("backend", new XAttribute("model", "random"), "/dev/urandom")),
        new XElement("memballoon", new XAttribute("model", "virtio"), new XElement("stats", new XAttribute("period", 10))),
    ];
}
