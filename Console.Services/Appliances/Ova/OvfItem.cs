using System.Globalization;
using System.Xml.Linq;

namespace Quarterdeck.Appliances.Ova;

/// <summary>One item of a VirtualHardwareSection: a CIM resource allocation, as it stands in the descriptor.</summary>
/// <param name="Id">Its InstanceID.</param>
/// <param name="Type">CIM resource type.</param>
/// <param name="SubTypes">Models, the preferred one first, as <see cref="Plain"/> words.</param>
/// <param name="Name">For people.</param>
/// <param name="Quantity">VirtualQuantity.</param>
/// <param name="Units">AllocationUnits.</param>
/// <param name="Parent">InstanceID of the controller it hangs on.</param>
/// <param name="Place">AddressOnParent; null when the package does not say.</param>
/// <param name="Address">A controller's own number; null when the package does not say.</param>
/// <param name="Host">HostResource: the disk or file behind it.</param>
/// <param name="Connection">The network it is plugged into.</param>
/// <param name="Required">Whether the package says that it cannot do without.</param>
/// <param name="CoresPerSocket">Of a processor item.</param>
/// <param name="Settings">The item's own <c>Config</c> elements.</param>
internal sealed record OvfItem(
    int Id, int Type, string[] SubTypes, string Name, string? Quantity, string? Units, int? Parent, int? Place, int? Address, string? Host, string? Connection, bool Required,
    int? CoresPerSocket, IReadOnlyDictionary<string, string> Settings)
{
    private const int MaxItems = 256;

    /// <summary>The items that hold under a deployment option: an item of the option's own replaces the general one of the same number.</summary>
    public static List<OvfItem> Of(string file, XElement section, string? option)
    {
        var items = new Dictionary<int, (OvfItem Item, bool OfOption)>();
        foreach (var element in section.Elements().Where(e => e.Name.LocalName is "Item" or "StorageItem" or "EthernetPortItem"))
        {
            if (element.Attr("bound") is "min" or "max") continue;
            var options = element.Words("configuration");
            if (options.Length > 0 && !options.Contains(option)) continue;
            var item = Parse(file, element);
            if (!items.TryGetValue(item.Id, out var other) || (options.Length > 0 && !other.OfOption)) items[item.Id] = (item, options.Length > 0);
            else if (options.Length > 0 == other.OfOption) throw Refusal.Of(file, $"the hardware item {item.Id} is there twice.");
            if (items.Count > MaxItems) throw Refusal.Of(file, $"it has more than {MaxItems} hardware items.");
        }
        return [.. items.Values.Select(i => i.Item)];
    }

    private static OvfItem Parse(string file, XElement e)
    {
        var id = Whole(e.Text("InstanceID") ?? e.Text("InstanceId")) ?? throw Refusal.Of(file, "a hardware item has no InstanceID.");
        var type = Whole(e.Text("ResourceType")) ?? throw Refusal.Of(file, $"the hardware item {id} has no ResourceType.");
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var config in e.Elements().Where(c => c.Name.LocalName is "Config" or "ExtraConfig")) settings[config.Attr("key") ?? ""] = config.Attr("value") ?? "";
        return new OvfItem(
            id, type, [.. (e.Text("ResourceSubType") ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(Plain).Where(t => t.Length > 0)],
            Refusal.Printable(e.Text("ElementName") ?? e.Text("Caption") ?? $"item {id}"), e.Text("VirtualQuantity"), e.Text("AllocationUnits"),
            Whole(e.Text("Parent")), Whole(e.Text("AddressOnParent")), Whole(e.Text("Address")), e.Text("HostResource"), e.Text("Connection"), e.Flag("required", true),
            Whole(e.Text("CoresPerSocket")), settings);
    }

    /// <summary>Packages spell one model as <c>VirtIO_SCSI</c>, <c>virtio-scsi</c> and <c>VirtioSCSI</c>.</summary>
    private static string Plain(string model) => new([.. model.Where(char.IsAsciiLetterOrDigit).Select(char.ToLowerInvariant)]);

    private static int? Whole(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
