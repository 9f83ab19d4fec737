using System.Globalization;
using System.Text.RegularExpressions;

namespace Quarterdeck.Appliances.Ova;

/// <summary>The CIM qualifiers of a property: <c>MinLen(1) MaxLen(8)</c>, <c>ValueMap{"a","b"}</c>.</summary>
internal sealed partial record OvfQualifiers(int? MinLength, int? MaxLength, IReadOnlyList<string> Values)
{
    [GeneratedRegex(@"\b(?<name>MinLen|MaxLen)\s*\(\s*(?<number>[0-9]{1,9})\s*\)", RegexOptions.IgnoreCase)]
    private static partial Regex Lengths();

    [GeneratedRegex(@"\bValueMap\s*\{(?<list>[^}]*)\}", RegexOptions.IgnoreCase)]
    private static partial Regex Map();

    [GeneratedRegex("\"(?<value>(?:[^\"\\\\]|\\\\.)*)\"")]
    private static partial Regex Quoted();

    public static OvfQualifiers Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text)) return new OvfQualifiers(null, null, []);
        int? Length(string name) => Lengths().Matches(text).FirstOrDefault(m => m.Groups["name"].Value.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } match
            ? int.Parse(match.Groups["number"].Value, CultureInfo.InvariantCulture)
            : null;
        var values = Map().Match(text) is { Success: true } map ? Quoted().Matches(map.Groups["list"].Value).Select(m => m.Groups["value"].Value.Replace("\\\"", "\"", StringComparison.Ordinal)).ToArray() : [];
        return new OvfQualifiers(Length("MinLen"), Length("MaxLen"), values);
    }
}
