using System.Globalization;
using System.Xml.Linq;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Maps the items of a VirtualHardwareSection (CIM resource types) to what libvirt has, and reports what becomes of each.</summary>
/// <param name="file">The descriptor's name, for refusals.</param>
/// <param name="option">The deployment option; items of other options don't count.</param>
/// <param name="disks">Ids of the disks there are.</param>
/// <param name="files">Ids of the files there are.</param>
/// <param name="networks">Names of the networks there are.</param>
/// <param name="warnings">Where what was left out or replaced is said.</param>
internal sealed class OvfHardwareReader(string file, string? option, IReadOnlySet<string> disks, IReadOnlySet<string> files, IReadOnlySet<string> networks, List<string> warnings)
{
    private const int MaxSerial = 4, MaxSounds = 2, MaxCds = 4;
    private readonly List<OvaHardwareItem> _report = [];
    private Dictionary<int, OvfController> _controllers = [];
    private bool _efi;

    public OvfHardware Read(XElement section)
    {
        var items = OvfItem.Of(file, section, option);
        _efi = IsEfi(section);
        _controllers = Controllers(items);
        var hardware = new OvfHardware
        {
            Vcpus = (int)Sum(items, 3, 1, 256, "virtual CPUs", i => long.TryParse(i.Quantity, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : null),
            MemoryMiB = Math.Max(1, Sum(items, 4, 512L << 20, 4L << 40, "memory", i => OvfUnits.Bytes(i.Quantity ?? "", i.Units, 1 << 20)) >> 20),
            CoresPerSocket = items.FirstOrDefault(i => i.Type == 3)?.CoresPerSocket,
            Efi = _efi,
            SystemTypes = [.. section.Descendants().Where(e => e.Name.LocalName == "VirtualSystemType").SelectMany(e => e.Value.Split([' ', '\t', '\n', '\r', ','], StringSplitOptions.RemoveEmptyEntries)).Take(16).Select(Refusal.Printable)],
            Transports = [.. section.Words("transport").Where(t => t is "iso" or "com.vmware.guestInfo").Distinct()],
            Controllers = [.. _controllers.Values.Distinct()],
            Drives = Drives(items),
            CdDrives = CdDrives(items),
            Cards = [.. items.Where(i => i.Type == 10).Select(Card)],
            SerialPorts = Ports(items, 21, "serial port", MaxSerial),
            ParallelPorts = Ports(items, 22, "parallel port", 1),
            Usb = Usb(items),
            Sounds = Sounds(items),
        };
        var (video, memory) = Video(items);
        if (SecureBoot(section)) Out("Secure Boot", "firmware setting", "the VM starts without it");
        foreach (var item in items) Rest(item);
        foreach (var transport in section.Words("transport").Where(t => t is not ("iso" or "com.vmware.guestInfo"))) warnings.Add($"The package wants its properties by '{Refusal.Printable(transport)}', too, which is not supported.");
        return hardware with { Video = video, VideoKiB = memory, Report = _report };
    }

    private static bool IsEfi(XElement section) =>
        Setting(section, "firmware") is { } firmware && firmware.Equals("efi", StringComparison.OrdinalIgnoreCase)
        || section.Parent?.Descendants().Any(e => e.Name.LocalName == "Firmware" && e.Attr("type")?.StartsWith("EFI", StringComparison.OrdinalIgnoreCase) is true) is true;

    private static bool SecureBoot(XElement section) => Setting(section, "bootOptions.efiSecureBootEnabled") is "true" or "1";

    private static string? Setting(XElement section, string key) => section.Elements().FirstOrDefault(e => e.Name.LocalName is "Config" or "ExtraConfig" && e.Attr("key") == key)?.Attr("value");

    private void Becomes(OvfItem item, string kind, string what) => _report.Add(new OvaHardwareItem(item.Name, kind, what));

    private void Out(string name, string kind, string why)
    {
        _report.Add(new OvaHardwareItem(name, kind, null));
        warnings.Add($"'{name}', a {kind}, was left out: {why}.");
    }

    private long Sum(List<OvfItem> items, int type, long otherwise, long most, string what, Func<OvfItem, long?> read)
    {
        var wanted = items.Where(i => i.Type == type).ToArray();
        if (wanted.Length == 0) return otherwise;
        long sum = 0;
        foreach (var item in wanted) sum += read(item) is { } number and > 0 && number <= most ? number : throw Refusal.Of(file, $"its {what} '{Refusal.Printable(item.Quantity ?? "")}' are not understood or too many.");
        return sum <= most ? sum : throw Refusal.Of(file, $"its {what} are too many together.");
    }

    /// <summary>The controllers by item number. Where the package has UEFI, the machine has no IDE: SATA takes its place.</summary>
    private Dictionary<int, OvfController> Controllers(List<OvfItem> items)
    {
        var (controllers, ides, scsis) = (new Dictionary<int, OvfController>(), new HashSet<int>(), 0);
        foreach (var item in items.Where(i => i.Type is 5 or 6 or 20).OrderBy(i => i.Address ?? 0).ThenBy(i => i.Id))
        {
            if (item.SubTypes.Length > 0 && OvfModels.IsVirtioBlock(item.SubTypes[0]))
            {
                controllers[item.Id] = new OvfController("virtio", 0, null);
                Becomes(item, "disk controller", "virtio-blk, one for each disk");
            }
            else if (item.Type == 6)
            {
                var (model, known) = OvfModels.Scsi(item.SubTypes);
                if (!known) warnings.Add($"'{item.Name}' is a SCSI controller of the unknown model {item.SubTypes[0]}; {model} takes its place.");
                controllers[item.Id] = new OvfController("scsi", scsis++, model);
                Becomes(item, "SCSI controller", model switch { "vmpvscsi" => "paravirtual SCSI (pvscsi)", "lsilogic" => "LSI Logic", "lsisas1068" => "LSI Logic SAS", _ => "virtio-scsi" });
            }
            else if (item.Type == 5 && !_efi)
            {
                var index = item.Address is 0 or 1 && ides.Add(item.Address.Value) ? item.Address.Value : ides.Add(0) ? 0 : ides.Add(1) ? 1 : 2;
                controllers[item.Id] = new OvfController("ide", index, null);
                Becomes(item, "IDE controller", index < 2 ? $"IDE channel {index}" : "SATA: a PC has two IDE channels");
            }
            else
            {
                controllers[item.Id] = new OvfController("sata", 0, null);
                Becomes(item, item.Type == 5 ? "IDE controller" : "storage controller", item.SubTypes.Any(t => t.Contains("nvme", StringComparison.Ordinal)) ? "SATA (AHCI) instead of NVMe" : "SATA (AHCI)");
            }
        }
        return controllers;
    }

    private OvfController ControllerOf(OvfItem item) => item.Parent is { } parent && _controllers.TryGetValue(parent, out var found) ? found : new OvfController(_efi ? "sata" : "ide", 0, null);

    private OvfDrive[] Drives(List<OvfItem> items)
    {
        var drives = new List<OvfDrive>();
        foreach (var item in InOrder(items, i => i.Type == 17))
        {
            var id = item.Host is { } host ? host[(host.LastIndexOf('/') + 1)..] : null;
            if (id is null || !disks.Contains(id)) throw Refusal.Of(file, $"'{item.Name}' is attached to the disk '{Refusal.Printable(id ?? "")}', which is not in the package.");
            if (drives.Any(d => d.DiskId == id)) throw Refusal.Of(file, "a disk is attached twice.");
            if (drives.Count == OvaLimits.MaxDisks) throw Refusal.Of(file, $"it has more than {OvaLimits.MaxDisks} disks.");
            var controller = ControllerOf(item);
            drives.Add(new OvfDrive(id, null, controller.Bus, controller.Index, item.Place ?? 0));
            Becomes(item, "disk", $"a disk on {Words(controller.Bus)}");
        }
        return [.. drives];
    }

    private OvfDrive[] CdDrives(List<OvfItem> items)
    {
        var drives = new List<OvfDrive>();
        foreach (var item in InOrder(items, i => i.Type is 15 or 16))
        {
            var id = item.Host is { } host && host.Contains("file/", StringComparison.Ordinal) ? host[(host.LastIndexOf('/') + 1)..] : null;
            if (id is not null && !files.Contains(id)) throw Refusal.Of(file, $"'{item.Name}' holds the file '{Refusal.Printable(id)}', which is not referenced.");
            if (drives.Count == MaxCds)
            {
                Out(item.Name, "CD drive", $"a VM has at most {MaxCds}");
                continue;
            }
            var controller = ControllerOf(item) is { Bus: not "virtio" } real ? real : new OvfController(_efi ? "sata" : "ide", 1, null);
            drives.Add(new OvfDrive(null, id, controller.Bus, controller.Index, item.Place ?? 0));
            Becomes(item, "CD drive", id is null ? "an empty drive; the environment's CD goes into the first" : "a drive with the CD from the package");
        }
        return [.. drives];
    }

    private static string Words(string bus) => bus switch { "virtio" => "virtio-blk", _ => bus.ToUpperInvariant() };

    private static IEnumerable<OvfItem> InOrder(List<OvfItem> items, Func<OvfItem, bool> which) => items.Where(which).OrderBy(i => i.Parent ?? 0).ThenBy(i => i.Place ?? 0).ThenBy(i => i.Id);

    private OvfCard Card(OvfItem item)
    {
        if (item.Connection is null || !networks.Contains(item.Connection)) throw Refusal.Of(file, $"'{item.Name}' is plugged into the network '{Refusal.Printable(item.Connection ?? "")}', which the package does not declare.");
        var (model, known) = OvfModels.Card(item.SubTypes, _efi);
        if (!known) warnings.Add($"'{item.Name}' is a card of the unknown model {item.SubTypes[0]}; {model} takes its place.");
        Becomes(item, "network card", model);
        return new OvfCard(model, item.Connection);
    }

    private int Ports(List<OvfItem> items, int type, string kind, int most)
    {
        var count = 0;
        foreach (var item in items.Where(i => i.Type == type))
            if (count == most) Out(item.Name, kind, $"a VM has at most {most}");
            else Becomes(item, kind, $"{kind} {++count}");
        return count;
    }

    private string? Usb(List<OvfItem> items)
    {
        string? chosen = null;
        foreach (var item in items.Where(i => i.Type == 23)) Becomes(item, "USB controller", chosen ??= OvfModels.Usb(item.SubTypes, _efi).Model);
        return chosen;
    }

    private string[] Sounds(List<OvfItem> items)
    {
        var models = new List<string>();
        foreach (var item in items.Where(i => i.Type == 35))
            if (models.Count == MaxSounds) Out(item.Name, "sound card", $"a VM has at most {MaxSounds}");
            else
            {
                models.Add(OvfModels.Sound(item.SubTypes, _efi).Model);
                Becomes(item, "sound card", $"{models[^1]}, not heard by anybody");
            }
        return [.. models];
    }

    private (string Model, long? KiB) Video(List<OvfItem> items)
    {
        if (items.FirstOrDefault(i => i.Type == 24) is not { } item) return ("vga", null);
        var model = OvfModels.Video(item.SubTypes).Model;
        Becomes(item, "display", model);
        return (model, item.Settings.TryGetValue("videoRamSizeInKB", out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size is > 0 and <= 256 << 10 ? size : null);
    }

    /// <summary>What has no place in the domain is said, never passed over.</summary>
    private void Rest(OvfItem item)
    {
        if (item.Type is 5 or 6 or 10 or 15 or 16 or 17 or 20 or 21 or 22 or 23 or 24 or 35) return;
        if (item.Type is 3) Becomes(item, "processor", item.Quantity == "1" ? "1 vCPU" : $"{item.Quantity} vCPUs");
        else if (item.Type is 4) Becomes(item, "memory", $"{OvfUnits.Bytes(item.Quantity ?? "", item.Units, 1 << 20) >> 20} MiB");
        else if (item.Type is 14) Out(item.Name, "floppy drive", "floppy drives are not supported");
        else Out(item.Name, item.Type is 1 ? $"special device {string.Join(' ', item.SubTypes)}".TrimEnd() : $"device of type {item.Type}", item.Required ? "it is not supported, though the package requires it: the appliance may not work" : "it is not supported");
    }
}
