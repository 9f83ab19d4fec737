using System.Xml.Linq;
using Quarterdeck.Hosts;

namespace Quarterdeck.Restores.Definition;

/// <summary>Turns the definition in a recovery point into the one to define now.</summary>
internal static class DomainCopy
{
    private const string NvramFolder = "/var/lib/libvirt/qemu/nvram/";

    /// <summary>The VM itself again, with its disks where they are put.</summary>
    public static string Same(string xml, string name, IReadOnlyDictionary<string, string> paths, Acceleration acceleration)
    {
        var domain = Parse(xml);
        domain.SetElementValue("name", name);
        Disks(domain, paths);
        Accelerate(domain, acceleration);
        return domain.ToString();
    }

    /// <summary>Another VM: everything by which the two could be taken for one another, or would fight, is new or left for the host to choose.</summary>
    /// <param name="xml">The point's definition.</param>
    /// <param name="name">The new name.</param>
    /// <param name="uuid">The new UUID.</param>
    /// <param name="paths">The new disks' files, by target.</param>
    /// <param name="acceleration">What guests of the host run on.</param>
    /// <param name="exists">Whether a file is on the host; media that are not there are left out.</param>
    public static string Other(string xml, string name, Guid uuid, IReadOnlyDictionary<string, string> paths, Acceleration acceleration, Func<string, bool> exists)
    {
        var domain = Parse(xml);
        domain.SetElementValue("name", name);
        domain.SetElementValue("uuid", uuid.ToString("D"));
        domain.Element("genid")?.RemoveNodes(); // the guest is told that it is a copy
        foreach (var entry in domain.Elements("sysinfo").Elements("system").Elements("entry").Where(e => (string?)e.Attribute("name") == "uuid")) entry.Value = uuid.ToString("D");
        if (domain.Element("os")?.Element("nvram") is { } nvram) nvram.Value = $"{NvramFolder}{uuid:D}_VARS.fd";
        var devices = domain.Element("devices");
        foreach (var nic in devices?.Elements("interface") ?? []) nic.Elements("mac").Remove();
        foreach (var graphics in devices?.Elements("graphics").Where(g => g.Attribute("port") is not null).ToArray() ?? [])
        {
            graphics.Attribute("port")!.Remove();
            graphics.SetAttributeValue("autoport", "yes");
        }
        foreach (var channel in devices?.Elements("channel").Where(c => (string?)c.Attribute("type") == "unix").ToArray() ?? []) channel.Elements("source").Remove();
        foreach (var drive in devices?.Elements("disk").Where(d => (string?)d.Attribute("device") is "cdrom" or "floppy").ToArray() ?? [])
            if ((string?)drive.Element("source")?.Attribute("file") is { } medium && !exists(medium)) drive.Element("source")!.Remove();
        // A disk that is not in the point is the other VM's: two VMs on one disk would destroy each other's data.
        devices?.Elements("disk").Where(d => (string?)d.Attribute("device") is null or "disk" or "lun" && !paths.ContainsKey(Target(d))).ToArray().Remove();
        Disks(domain, paths);
        Accelerate(domain, acceleration);
        return domain.ToString();
    }

    private static XElement Parse(string xml)
    {
        var domain = XElement.Parse(xml);
        domain.Attribute("id")?.Remove();
        return domain;
    }

    private static void Disks(XElement domain, IReadOnlyDictionary<string, string> paths)
    {
        foreach (var disk in domain.Element("devices")?.Elements("disk") ?? [])
            if (paths.TryGetValue(Target(disk), out var path))
            {
                disk.Elements("backingStore").Remove(); // the restored image stands alone
                disk.SetAttributeValue("type", "file");
                disk.Elements("source").Remove();
                disk.Add(new XElement("source", new XAttribute("file", path)));
            }
    }

    private static string Target(XElement disk) => (string?)disk.Element("target")?.Attribute("dev") ?? "";

    // A point may come from a host with other processors: its VM is to start here.
    private static void Accelerate(XElement domain, Acceleration acceleration)
    {
        if (acceleration is not (Acceleration.Kvm or Acceleration.Emulation)) return;
        var type = acceleration == Acceleration.Kvm ? "kvm" : "qemu";
        if ((string?)domain.Attribute("type") == type) return;
        domain.SetAttributeValue("type", type);
        domain.Elements("cpu").Remove();
        domain.Add(new XElement("cpu", new XAttribute("mode", acceleration == Acceleration.Kvm ? "host-model" : "maximum")));
    }
}
