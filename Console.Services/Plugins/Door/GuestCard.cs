using System.Xml.Linq;

namespace Quarterdeck.Plugins.Door;

/// <summary>A network card in the XML of a running domain.</summary>
/// <param name="Mac">Its address.</param>
/// <param name="Network">The libvirt network it is on; null for others.</param>
/// <param name="UserDevice">What QEMU calls its user network, such as <c>hostnet0</c>; null for others.</param>
internal sealed record GuestCard(string Mac, string? Network, string? UserDevice)
{
    public static IReadOnlyList<GuestCard> Of(string xml) =>
        [.. (XElement.Parse(xml).Element("devices")?.Elements("interface") ?? []).Select(card => new GuestCard(
            (string?)card.Element("mac")?.Attribute("address") ?? "",
            (string?)card.Attribute("type") == "network" ? (string?)card.Element("source")?.Attribute("network") : null,
            (string?)card.Attribute("type") == "user" && (string?)card.Element("alias")?.Attribute("name") is { } alias ? $"host{alias}" : null))];
}
