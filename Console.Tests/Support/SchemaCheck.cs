using System.Text.Json;
using System.Text.RegularExpressions;

namespace Quarterdeck.Tests.Support;

/// <summary>As much of JSON Schema (draft 2020-12) as the product's schemas use; a keyword it does not know fails the test instead of passing everything.</summary>
internal sealed class SchemaCheck(JsonElement root)
{
    private static readonly HashSet<string> Remarks = ["$schema", "$id", "$defs", "$comment", "title", "description", "examples", "default"];

    public bool Holds(JsonElement value) => Holds(root, value);

    private bool Holds(JsonElement schema, JsonElement value) => schema.EnumerateObject().All(k => Holds(schema, k.Name, k.Value, value));

    private bool Holds(JsonElement schema, string keyword, JsonElement rule, JsonElement value) => keyword switch
    {
        _ when Remarks.Contains(keyword) => true,
        "type" => rule.ValueKind is JsonValueKind.Array ? rule.EnumerateArray().Any(t => Is(value, t.GetString()!)) : Is(value, rule.GetString()!),
        "const" => JsonElement.DeepEquals(rule, value),
        "enum" => rule.EnumerateArray().Any(e => JsonElement.DeepEquals(e, value)),
        "$ref" => Holds(root.GetProperty("$defs").GetProperty(rule.GetString()!.Replace("#/$defs/", "")), value),
        "anyOf" => rule.EnumerateArray().Any(s => Holds(s, value)),
        "allOf" => rule.EnumerateArray().All(s => Holds(s, value)),
        "if" => !Holds(rule, value) || !schema.TryGetProperty("then", out var then) || Holds(then, value),
        "then" => true,
        "required" => value.ValueKind is not JsonValueKind.Object || rule.EnumerateArray().All(n => value.TryGetProperty(n.GetString()!, out _)),
        "properties" => value.ValueKind is not JsonValueKind.Object || rule.EnumerateObject().All(p => !value.TryGetProperty(p.Name, out var member) || Holds(p.Value, member)),
        "items" => value.ValueKind is not JsonValueKind.Array || value.EnumerateArray().All(e => Holds(rule, e)),
        "minItems" => value.ValueKind is not JsonValueKind.Array || value.GetArrayLength() >= rule.GetInt32(),
        "maxItems" => value.ValueKind is not JsonValueKind.Array || value.GetArrayLength() <= rule.GetInt32(),
        "minimum" => value.ValueKind is not JsonValueKind.Number || value.GetDecimal() >= rule.GetDecimal(),
        "maximum" => value.ValueKind is not JsonValueKind.Number || value.GetDecimal() <= rule.GetDecimal(),
        "minLength" => value.ValueKind is not JsonValueKind.String || value.GetString()!.EnumerateRunes().Count() >= rule.GetInt32(),
        "maxLength" => value.ValueKind is not JsonValueKind.String || value.GetString()!.EnumerateRunes().Count() <= rule.GetInt32(),
        "pattern" => value.ValueKind is not JsonValueKind.String || Matches(rule.GetString()!, value.GetString()!),
        _ => throw new NotSupportedException($"The schema uses the keyword {keyword}."),
    };

    // In .NET a $ also matches before a last line feed; in ECMAScript, which JSON Schema follows, it does not.
    private static bool Matches(string pattern, string text) => Regex.IsMatch(text, pattern.Replace("$", "\\z"), RegexOptions.None, TimeSpan.FromSeconds(5));

    private static bool Is(JsonElement value, string type) => type switch
    {
        "null" => value.ValueKind is JsonValueKind.Null,
        "object" => value.ValueKind is JsonValueKind.Object,
        "array" => value.ValueKind is JsonValueKind.Array,
        "string" => value.ValueKind is JsonValueKind.String,
        "integer" => value.ValueKind is JsonValueKind.Number && value.GetDecimal() is var number && number == decimal.Truncate(number),
        _ => throw new NotSupportedException($"The schema uses the type {type}."),
    };
}
