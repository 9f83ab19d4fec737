using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace Quarterdeck.Hosts.Vms;

/// <summary>What the console reads out of a domain's XML.</summary>
/// <param name="Vcpus">Processors.</param>
/// <param name="MemoryMiB">Memory.</param>
/// <param name="Disks">Disks and CD drives.</param>
/// <param name="Networks">Interfaces.</param>
/// <param name="BootOrder">First to last.</param>
/// <param name="Acceleration">By the domain's type.</param>
/// <param name="HasConsole">Whether it has a VNC screen.</param>
internal sealed record DomainXml(
    int Vcpus, long MemoryMiB, IReadOnlyList<VmDisk> Disks, IReadOnlyList<VmNetwork> Networks, IReadOnlyList<BootDevice> BootOrder, Acceleration Acceleration, bool HasConsole)
{
    /// <summary>Reads a domain's XML; what is missing or odd gets a harmless value, because adopted domains may be anything.</summary>
    public static DomainXml Read(string xml, IReadOnlyDictionary<string, long> capacities)
    {
        var root = XElement.Parse(xml);
        var devices = root.Element("devices");
        var vcpu = root.Element("vcpu");
        return new DomainXml(
            Number((string?)vcpu?.Attribute("current") ?? (string?)vcpu, 1),
            Mebibytes(root.Element("currentMemory") ?? root.Element("memory")),
            [.. (devices?.Elements("disk") ?? []).Where(IsDisk).Select(d => Disk(d, capacities))],
            [.. (devices?.Elements("interface") ?? []).Select(Network)],
            Boot(root, devices),
            (string?)root.Attribute("type") switch { "kvm" => Acceleration.Kvm, "test" => Acceleration.Mock, _ => Acceleration.Emulation },
            devices?.Elements("graphics").Any(g => (string?)g.Attribute("type") == "vnc") ?? false);
    }

    /// <summary>Targets of the disks that have a source, without building a whole tree of the rest.</summary>
    public static IEnumerable<string> TargetsWithSource(string xml)
    {
        using var reader = XmlReader.Create(new StringReader(xml), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit });
        while (reader.ReadToFollowing("disk"))
        {
            var disk = (XElement)XNode.ReadFrom(reader);
            if (IsDisk(disk) && disk.Element("source") is not null && (string?)disk.Element("target")?.Attribute("dev") is { } target) yield return target;
        }
    }

    /// <summary>The first VNC screen: its index among the graphics, and the TCP port it listens on, if any.</summary>
    public static (int Index, int? Port)? Screen(string xml)
    {
        var all = XElement.Parse(xml).Element("devices")?.Elements("graphics").ToList() ?? [];
        var index = all.FindIndex(g => (string?)g.Attribute("type") == "vnc");
        if (index < 0) return null;
        var port = Number((string?)all[index].Attribute("port"), 0);
        return (index, port is > 0 and < 65536 ? port : null);
    }

    /// <summary>As design.md names host networks.</summary>
    public static string NetworkName(XElement nic) => (string?)nic.Attribute("type") switch
    {
        "user" => "user",
        "bridge" => $"bridge:{(string?)nic.Element("source")?.Attribute("bridge")}",
        "network" => (string?)nic.Element("source")?.Attribute("network") ?? "",
        var other => other ?? "",
    };

    // A backing chain inside a disk may hold elements of the same name; only the domain's own count.
    private static bool IsDisk(XElement disk) => (string?)disk.Attribute("device") is null or "disk" or "cdrom" or "lun" or "floppy" && disk.Element("target") is not null;

    private static VmDisk Disk(XElement disk, IReadOnlyDictionary<string, long> capacities)
    {
        var target = (string?)disk.Element("target")?.Attribute("dev") ?? "";
        var source = disk.Element("source");
        var path = (string?)source?.Attribute("file") ?? (string?)source?.Attribute("dev") ?? Volume(source);
        return new VmDisk(target, target, path, (string?)disk.Element("driver")?.Attribute("type") ?? "raw",
            capacities.GetValueOrDefault(target), (string?)disk.Attribute("device") == "cdrom" ? "cdrom" : "disk");
    }

    private static string? Volume(XElement? source) =>
        (string?)source?.Attribute("volume") is { } volume ? $"{(string?)source.Attribute("pool")}/{volume}" : null;

    private static VmNetwork Network(XElement nic) =>
        new((string?)nic.Element("mac")?.Attribute("address") ?? "", NetworkName(nic), (string?)nic.Element("model")?.Attribute("type") ?? "");

    // Either <os><boot dev=…/></os>, or an order on each device.
    private static List<BootDevice> Boot(XElement root, XElement? devices)
    {
        var named = root.Element("os")?.Elements("boot").Select(b => Device((string?)b.Attribute("dev"))).OfType<BootDevice>().Distinct().ToList() ?? [];
        if (named.Count > 0) return named;
        return [.. (devices?.Elements() ?? [])
            .Where(d => d.Element("boot") is not null)
            .OrderBy(d => Number((string?)d.Element("boot")!.Attribute("order"), int.MaxValue))
            .Select(d => d.Name.LocalName switch
            {
                "interface" => BootDevice.Network,
                "disk" when (string?)d.Attribute("device") == "cdrom" => BootDevice.Cdrom,
                "disk" => BootDevice.Disk,
                _ => (BootDevice?)null,
            })
            .OfType<BootDevice>().Distinct()];
    }

    private static BootDevice? Device(string? name) => name switch
    {
        "hd" => BootDevice.Disk,
        "cdrom" => BootDevice.Cdrom,
        "network" => BootDevice.Network,
        _ => null,
    };

    private static int Number(string? text, int otherwise) =>
        int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : otherwise;

    private static long Mebibytes(XElement? memory)
    {
        if (memory is null || !ulong.TryParse(memory.Value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var amount)) return 0;
        var mebibytes = (string?)memory.Attribute("unit") switch
        {
            "b" or "bytes" => amount / 1048576.0,
            "KB" => amount * 1000.0 / 1048576,
            "MB" => amount * 1e6 / 1048576,
            "M" or "MiB" => amount,
            "GB" => amount * 1e9 / 1048576,
            "G" or "GiB" => amount * 1024.0,
            "T" or "TiB" => amount * 1048576.0,
            _ => amount / 1024.0,
        };
        return (long)mebibytes;
    }
}
