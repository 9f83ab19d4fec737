using System.Xml.Linq;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Reads the properties of a system's product sections.</summary>
/// <param name="file">The descriptor's name, for refusals.</param>
/// <param name="option">The deployment option whose values count.</param>
/// <param name="options">Ids of all options there are.</param>
internal sealed class OvfPropertyReader(string file, string? option, IReadOnlyList<string> options)
{
    public IEnumerable<OvaProperty> Read(XElement system)
    {
        foreach (var section in system.Named("ProductSection"))
        {
            var (before, after) = (section.Attr("class") is { Length: > 0 } c ? c + "." : "", section.Attr("instance") is { Length: > 0 } i ? "." + i : "");
            var category = "";
            foreach (var element in section.Elements())
            {
                if (element.Name.LocalName == "Category") category = element.Value.Trim();
                else if (element.Name.LocalName == "Property") yield return Property(element, before + Key(element) + after, category);
            }
        }
    }

    private string Key(XElement element) => element.Attr("key") is { Length: > 0 and <= 255 } key ? key : throw Refusal.Of(file, "a Property has no usable 'key'.");

    private OvaProperty Property(XElement element, string key, string category)
    {
        var qualifiers = OvfQualifiers.Of(element);
        var own = element.Named("Value").Where(v => v.Attr("configuration") is { Length: > 0 }).GroupBy(v => v.Attr("configuration")!).ToDictionary(g => g.Key, g => g.First().Attr("value") ?? "");
        var otherwise = element.Named("Value").FirstOrDefault(v => v.Attr("configuration") is null or "")?.Attr("value") ?? element.Attr("value");
        var password = element.Flag("password") || qualifiers.Password;
        var (least, most) = qualifiers.Range(element.Attr("type") ?? "string");
        return new OvaProperty(
            key, qualifiers.Type ?? element.Attr("type")?.ToLowerInvariant() ?? "string", option is not null && own.TryGetValue(option, out var chosen) ? chosen : otherwise, element.Flag("userConfigurable"), password,
            element.Text("Label") ?? key, element.Text("Description") ?? "", category, qualifiers.MinLength, qualifiers.MaxLength, qualifiers.Values)
        {
            MinValue = least,
            MaxValue = most,
            Format = qualifiers.Format,
            DefaultByOption = password || own.Count == 0 ? new Dictionary<string, string>() : options.ToDictionary(o => o, o => own.GetValueOrDefault(o) ?? otherwise ?? "", StringComparer.Ordinal),
        };
    }
}
