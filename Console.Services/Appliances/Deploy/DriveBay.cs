using System.Xml.Linq;
using Quarterdeck.Appliances.Ova;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Gives every disk and CD drive of a domain its device name and its place on a controller; no place twice.</summary>
/// <param name="efi">Whether the machine is one with UEFI: it has no IDE.</param>
/// <param name="controllers">The package's SCSI controllers.</param>
internal sealed class DriveBay(bool efi, IReadOnlyList<OvfController> controllers)
{
    private const int SataPorts = 6;
    private readonly HashSet<(string Bus, int Controller, int Unit)> _taken = [];
    private int _sd, _vd, _sata;

    /// <summary>Adds target and address to a disk element; the wanted place where it is free, else the next one.</summary>
    public void Place(XElement disk, string bus, int controller, int unit)
    {
        var ide = bus == "ide" && !efi ? IdePlace(controller, unit) : null;
        if (bus == "ide" && ide is null) bus = "sata";
        switch (bus)
        {
            case "ide":
                Add(disk, "hd" + (char)('a' + ide!.Value), "ide", 0, ide.Value / 2, 0, ide.Value % 2);
                break;
            case "sata":
                Add(disk, Sd(), "sata", _sata / SataPorts, 0, 0, _sata++ % SataPorts);
                break;
            case "scsi":
                // The emulated LSI and VMware controllers have targets of one unit each, not one target of many units.
                Add(disk, Sd(), "scsi", controller, 0, ScsiTarget(controller, unit), 0);
                break;
            default:
                disk.Add(Target("vd" + (char)('a' + _vd++), "virtio"));
                break;
        }
    }

    /// <summary>Place 0 to 3 of the four that a PC has; null when all are taken.</summary>
    private int? IdePlace(int channel, int unit)
    {
        var wanted = channel * 2 + unit;
        foreach (var place in new[] { wanted, 2, 0, 1, 3 }.Where(p => p is >= 0 and <= 3))
            if (_taken.Add(("ide", 0, place))) return place;
        return null;
    }

    private int ScsiTarget(int controller, int unit)
    {
        var most = controllers.FirstOrDefault(c => c.Bus == "scsi" && c.Index == controller)?.Model switch { "lsilogic" => 6, "lsisas1068" => 7, "vmpvscsi" => 63, _ => 255 };
        foreach (var target in Enumerable.Range(0, most + 1).Prepend(unit))
            if (target <= most && _taken.Add(("scsi", controller, target))) return target;
        throw Refusal.Of("package", $"it has more than {most + 1} disks on one SCSI controller.", "Ask the publisher for a package with another controller.");
    }

    private string Sd() => "sd" + (char)('a' + _sd++);

    private static XElement Target(string device, string bus) => new("target", new XAttribute("dev", device), new XAttribute("bus", bus));

    private static void Add(XElement disk, string device, string bus, int controller, int channel, int target, int unit) => disk.Add(
        Target(device, bus),
        new XElement("address", new XAttribute("type", "drive"), new XAttribute("controller", controller), new XAttribute("bus", channel), new XAttribute("target", target), new XAttribute("unit", unit)));
}
