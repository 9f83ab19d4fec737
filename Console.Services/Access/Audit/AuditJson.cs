using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Quarterdeck.Access.Audit;

/// <summary>From an object to what the audit log may keep of it: JSON without secrets, of a bounded size.</summary>
internal static partial class AuditJson
{
    internal const string Redacted = "•••";
    private const int MaxLength = 64 * 1024;

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // stored and shown as text, never as HTML
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(new LowerCase()) },
    };

    internal static string? Of(object? value)
    {
        if (value is null) return null;
        var node = JsonSerializer.SerializeToNode(value, value.GetType(), Options);
        var json = Redact(node)?.ToJsonString(Options);
        return json is { Length: > MaxLength } ? $$"""{"truncated":true,"length":{{json.Length}}}""" : json;
    }

    private static JsonNode? Redact(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject members:
                foreach (var (name, value) in members.ToList())
                {
                    if (value is not null && SecretName().IsMatch(name)) members[name] = Redacted;
                    else if (Redact(value) is var clean && !ReferenceEquals(clean, value)) members[name] = clean;
                }
                return members;
            case JsonArray items:
                for (var i = 0; i < items.Count; i++)
                    if (Redact(items[i]) is var clean && !ReferenceEquals(clean, items[i])) items[i] = clean;
                return items;
            case JsonValue value when value.TryGetValue<string>(out var text) && SecretText().IsMatch(text):
                return JsonValue.Create(SecretText().Replace(text, Redacted));
            default:
                return node;
        }
    }

    /// <summary>Names whose value is a secret. <c>key</c> alone is not: plug-ins have one as their name.</summary>
    [GeneratedRegex("(password|passphrase|secret|credential|authorization|cookie)|(token|(access|secret|private|encryption|api|signing|repository)_?key)s?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SecretName();

    /// <summary>Values that are secrets whatever they are called: our tokens, passwords in URIs, private keys.</summary>
    [GeneratedRegex(@"qd_[A-Za-z0-9_-]{20,}|(?<=://[^/\s:@]*:)[^/\s@]+(?=@)|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*", RegexOptions.CultureInvariant)]
    private static partial Regex SecretText();

    private sealed class LowerCase : JsonNamingPolicy
    {
        public override string ConvertName(string name) => name.ToLowerInvariant();
    }
}
