using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Quarterdeck.Appliances.Ova;

/// <summary>What narrows a property: CIM qualifiers such as <c>MinLen(1) MaxLen(8)</c>, <c>ValueMap{"a","b"}</c>, <c>MinValue(1)</c>, and VMware's <c>Ip</c>, <c>Ip("network")</c>, and types such as <c>ip</c>, <c>int(1..9)</c>, <c>string(1..20)</c>.</summary>
internal sealed partial record OvfQualifiers(int? MinLength, int? MaxLength, IReadOnlyList<string> Values)
{
    [GeneratedRegex(@"\b(?<name>MinLen|MaxLen)\s*\(\s*(?<number>[0-9]{1,9})\s*\)", RegexOptions.IgnoreCase)]
    private static partial Regex Lengths();

    [GeneratedRegex(@"\b(?<name>MinValue|MaxValue)\s*\(\s*(?<number>[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?)\s*\)", RegexOptions.IgnoreCase)]
    private static partial Regex Bounds();

    [GeneratedRegex(@"\bValueMap\s*\{(?<list>(?:[^}""]|""(?:[^""\\]|\\.)*"")*)\}", RegexOptions.IgnoreCase)]
    private static partial Regex Map();

    [GeneratedRegex("\"(?<value>(?:[^\"\\\\]|\\\\.)*)\"")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"^(?<type>string|int|real)\s*\(\s*(?<least>-?[0-9.]{0,20}?)\s*\.\.\s*(?<most>-?[0-9.]{0,20})\s*\)$", RegexOptions.IgnoreCase)]
    private static partial Regex VmwareRange();

    [GeneratedRegex(@"^Ip(\s*\([^)]*\))?$", RegexOptions.IgnoreCase)]
    private static partial Regex Ip();

    /// <summary>The OVF type that VMware's own name stands for; null when the type is OVF's.</summary>
    public string? Type { get; private init; }

    /// <summary>Whether VMware's type says that it is a secret.</summary>
    public bool Password { get; private init; }

    /// <summary><c>text</c>, <c>ip</c> or <c>ip-list</c>.</summary>
    public string Format { get; private init; } = "text";

    private string? Least { get; init; }

    private string? Most { get; init; }

    /// <summary>The range that type and qualifiers leave; null bounds for what is no number.</summary>
    public (string? Least, string? Most) Range(string type) => ((Type ?? type).ToLowerInvariant()) switch
    {
        "uint8" => (Least ?? "0", Most ?? "255"),
        "sint8" => (Least ?? "-128", Most ?? "127"),
        "uint16" => (Least ?? "0", Most ?? "65535"),
        "sint16" => (Least ?? "-32768", Most ?? "32767"),
        "uint32" => (Least ?? "0", Most ?? "4294967295"),
        "sint32" => (Least ?? "-2147483648", Most ?? "2147483647"),
        "uint64" => (Least ?? "0", Most ?? "18446744073709551615"),
        "sint64" => (Least ?? "-9223372036854775808", Most ?? "9223372036854775807"),
        "real32" or "real64" => (Least, Most),
        _ => (null, null),
    };

    /// <summary>What holds for a Property element: several dialects put qualifiers on it.</summary>
    public static OvfQualifiers Of(XElement property)
    {
        var text = string.Join(' ', property.Attributes().Where(a => a.Name.LocalName == "qualifiers").Select(a => a.Value));
        var parsed = Parse(text);
        // The two kinds of address that only VMware's qualifiers tell: one, or several with commas between.
        var format = property.Attributes().Where(a => a.Name.LocalName == "qualifiers").Any(a => a.Value.Split(',').Any(q => Ip().IsMatch(q.Trim()))) ? "ip" : "text";
        if (text.Contains("IpList", StringComparison.OrdinalIgnoreCase)) format = "ip-list";
        return Vmware(property.Attr("type") ?? "string", parsed with { Format = format });
    }

    public static OvfQualifiers Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text)) return new OvfQualifiers(null, null, []);
        int? Length(string name) => Named(Lengths(), name, text) is { } number ? int.Parse(number, CultureInfo.InvariantCulture) : null;
        var values = Map().Match(text) is { Success: true } map ? Quoted().Matches(map.Groups["list"].Value).Select(m => Unescaped(m.Groups["value"].Value)).ToArray() : [];
        return new OvfQualifiers(Length("MinLen"), Length("MaxLen"), values) { Least = Named(Bounds(), "MinValue", text), Most = Named(Bounds(), "MaxValue", text) };
    }

    private static string? Named(Regex pattern, string name, string text) =>
        pattern.Matches(text).FirstOrDefault(m => m.Groups["name"].Value.Equals(name, StringComparison.OrdinalIgnoreCase))?.Groups["number"].Value;

    private static string Unescaped(string value) => value.Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);

    private static OvfQualifiers Vmware(string type, OvfQualifiers q)
    {
        type = type.Trim();
        if (VmwareRange().Match(type) is { Success: true } range)
        {
            var (least, most) = (range.Groups["least"].Value is { Length: > 0 } l ? l : null, range.Groups["most"].Value is { Length: > 0 } m ? m : null);
            return range.Groups["type"].Value.ToLowerInvariant() switch
            {
                "string" => q with { Type = "string", MinLength = Whole(least) ?? q.MinLength, MaxLength = Whole(most) ?? q.MaxLength },
                "int" => q with { Type = "sint32", Least = least, Most = most },
                _ => q with { Type = "real64", Least = least, Most = most },
            };
        }
        if (type.StartsWith("string[", StringComparison.OrdinalIgnoreCase)) return q with { Type = "string", Values = [.. Quoted().Matches(type).Select(m => Unescaped(m.Groups["value"].Value))] };
        return type.ToLowerInvariant() switch
        {
            "password" => q with { Type = "string", Password = true },
            "int" => q with { Type = "sint32" },
            "real" => q with { Type = "real64" },
            "ip" => q with { Type = "string", Format = "ip" },
            _ when type.StartsWith("ip:", StringComparison.OrdinalIgnoreCase) => q with { Type = "string", Format = "ip" },
            _ => q,
        };
    }

    private static int? Whole(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
