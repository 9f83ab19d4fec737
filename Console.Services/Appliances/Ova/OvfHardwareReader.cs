using System.Globalization;
using System.Xml.Linq;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Maps the items of a VirtualHardwareSection (CIM resource types) to what libvirt has; what is left out is said in a warning.</summary>
/// <param name="file">The descriptor's name, for refusals.</param>
/// <param name="option">The deployment option; items of other options don't count.</param>
/// <param name="disks">Ids of the disks there are.</param>
/// <param name="networks">Names of the networks there are.</param>
/// <param name="warnings">Where warnings go.</param>
internal sealed class OvfHardwareReader(string file, string? option, IReadOnlySet<string> disks, IReadOnlySet<string> networks, List<string> warnings)
{
    private const int MaxItems = 256;

    private sealed record Item(int Id, int Type, string[] SubTypes, string Name, string? Quantity, string? Units, int? Parent, int Address, string? Host, string? Connection, bool Required);

    public OvfHardware Read(XElement section)
    {
        var items = Items(section);
        var byId = items.ToDictionary(i => i.Id);
        var firmware = section.Elements().FirstOrDefault(e => e.Name.LocalName is "Config" or "ExtraConfig" && e.Attr("key") == "firmware")?.Attr("value");
        foreach (var item in items) Report(item);
        var drives = items.Where(i => i.Type == 17).OrderBy(i => i.Parent ?? 0).ThenBy(i => i.Address).Select(i => new OvfDrive(DiskOf(i), BusOf(i, byId), i.Address)).ToArray();
        if (drives.Length > OvaLimits.MaxDisks) throw Refusal.Of(file, $"it has more than {OvaLimits.MaxDisks} disks.");
        if (drives.GroupBy(d => d.DiskId).Any(g => g.Count() > 1)) throw Refusal.Of(file, "a disk is attached twice.");
        return new OvfHardware(
            (int)Number(items.FirstOrDefault(i => i.Type == 3), 1, 256, "virtual CPUs", i => long.TryParse(i.Quantity, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : null),
            Math.Max(1, Number(items.FirstOrDefault(i => i.Type == 4), 512L << 20, 4L << 40, "memory", i => OvfUnits.Bytes(i.Quantity ?? "", i.Units, 1 << 20)) >> 20),
            firmware is "efi",
            drives,
            [.. items.Where(i => i.Type is 15 or 16).Select(i => new OvfDrive(null, BusOf(i, byId) is "sata" ? "sata" : "ide", i.Address))],
            [.. items.Where(i => i.Type == 10).Select(Card)],
            ScsiModel(items));
    }

    private List<Item> Items(XElement section)
    {
        var items = new Dictionary<int, (Item Item, bool OfOption)>();
        foreach (var element in section.Elements().Where(e => e.Name.LocalName is "Item" or "StorageItem" or "EthernetPortItem"))
        {
            if (element.Attr("bound") is "min" or "max") continue;
            var options = element.Words("configuration");
            if (options.Length > 0 && !options.Contains(option)) continue;
            var item = Parse(element);
            // An item for the chosen option overrides the general one of the same number.
            if (!items.TryGetValue(item.Id, out var other) || (options.Length > 0 && !other.OfOption)) items[item.Id] = (item, options.Length > 0);
            else if (options.Length > 0 == other.OfOption) throw Refusal.Of(file, $"the hardware item {item.Id} is there twice.");
            if (items.Count > MaxItems) throw Refusal.Of(file, $"it has more than {MaxItems} hardware items.");
        }
        return [.. items.Values.Select(i => i.Item)];
    }

    private Item Parse(XElement e)
    {
        int? Whole(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        var id = Whole(e.Text("InstanceID") ?? e.Text("InstanceId")) ?? throw Refusal.Of(file, "a hardware item has no InstanceID.");
        var type = Whole(e.Text("ResourceType")) ?? throw Refusal.Of(file, $"the hardware item {id} has no ResourceType.");
        return new Item(
            id, type, (e.Text("ResourceSubType") ?? "").ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries),
            Refusal.Printable(e.Text("ElementName") ?? e.Text("Caption") ?? $"item {id}"), e.Text("VirtualQuantity"), e.Text("AllocationUnits"),
            Whole(e.Text("Parent")), Whole(e.Text("AddressOnParent")) ?? Whole(e.Text("Address")) ?? 0, e.Text("HostResource"), e.Text("Connection"), e.Flag("required", true));
    }

    private long Number(Item? item, long otherwise, long most, string what, Func<Item, long?> read)
    {
        if (item is null) return otherwise;
        return read(item) is { } number and > 0 && number <= most ? number : throw Refusal.Of(file, $"its {what} '{Refusal.Printable(item.Quantity ?? "")}' are not understood or too many.");
    }

    private void Report(Item item)
    {
        if (item.Type is 3 or 4 or 5 or 6 or 10 or 15 or 16 or 17 or 20 or 24) return;
        var kind = item.Type switch { 14 => "floppy drive", 21 => "serial port", 22 => "parallel port", 23 => "USB controller", 35 => "sound card", _ => $"device of type {item.Type}" };
        warnings.Add(item.Required && item.Type is not (14 or 21 or 23 or 35)
            ? $"'{item.Name}', a {kind} that the package requires, is not supported and was left out: the appliance may not work."
            : $"'{item.Name}', a {kind}, was left out.");
    }

    private string DiskOf(Item item)
    {
        var id = item.Host is { } host ? host[(host.LastIndexOf('/') + 1)..] : null;
        if (id is null || !disks.Contains(id)) throw Refusal.Of(file, $"'{item.Name}' is attached to the disk '{Refusal.Printable(id ?? "")}', which is not in the package.");
        return id;
    }

    private static string BusOf(Item item, Dictionary<int, Item> byId)
    {
        if (item.Parent is not { } parent || !byId.TryGetValue(parent, out var controller)) return item.Type == 17 ? "virtio" : "ide";
        return controller.Type switch
        {
            5 => "ide",
            20 when !controller.SubTypes.Any(IsVirtio) => "sata",
            6 when controller.SubTypes.Length > 0 && !IsVirtio(controller.SubTypes[0]) => "scsi",
            _ => "virtio",
        };
    }

    private static bool IsVirtio(string type) => type is "virtio" or "virtio-blk" or "virtioblk";

    private string ScsiModel(List<Item> items)
    {
        var models = items.Where(i => i.Type == 6 && i.SubTypes.Length > 0 && !IsVirtio(i.SubTypes[0])).SelectMany(i => i.SubTypes).Select(t => t switch
        {
            "virtualscsi" or "pvscsi" => "vmpvscsi",
            "lsilogicsas" => "lsisas1068",
            "lsilogic" => "lsilogic",
            "virtioscsi" or "virtio-scsi" => "virtio-scsi",
            _ => null,
        }).OfType<string>().Distinct().ToArray();
        if (models.Length > 1) warnings.Add($"The package has several SCSI controllers; all disks are put on one of the model {models[0]}.");
        if (models.Length == 0 && items.Any(i => i.Type == 6 && i.SubTypes.Length > 0 && !IsVirtio(i.SubTypes[0]))) warnings.Add("The package's SCSI controller is not known; virtio-scsi takes its place.");
        return models.FirstOrDefault() ?? "virtio-scsi";
    }

    private OvfCard Card(Item item)
    {
        if (item.Connection is null || !networks.Contains(item.Connection)) throw Refusal.Of(file, $"'{item.Name}' is plugged into the network '{Refusal.Printable(item.Connection ?? "")}', which the package does not declare.");
        var model = item.SubTypes.Select(t => t switch
        {
            "virtio" or "virtio-net" or "virtionet" => "virtio",
            "e1000" => "e1000",
            "e1000e" => "e1000e",
            "vmxnet3" => "vmxnet3",
            "pcnet32" => "pcnet",
            _ => null,
        }).FirstOrDefault(m => m is not null);
        if (model is null && item.SubTypes.Length > 0) warnings.Add($"'{item.Name}' is a card of the unknown model {Refusal.Printable(item.SubTypes[0])}; virtio takes its place.");
        return new OvfCard(model ?? "virtio", item.Connection);
    }
}
