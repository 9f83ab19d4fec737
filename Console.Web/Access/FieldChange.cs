using System.Text.Json;

namespace Quarterdeck.Web.Access;

/// <summary>One field of an audited object, before and after; null where it was not there.</summary>
internal sealed record FieldChange(string Field, string? Before, string? After)
{
    /// <summary>Whether both sides are known and differ.</summary>
    public bool Changed { get; private init; }

    /// <summary>Every field of both, nested ones by their path; changed ones first.</summary>
    public static IReadOnlyList<FieldChange> Between(string? before, string? after)
    {
        var (old, now) = (Flatten(before), Flatten(after));
        return [.. old.Keys.Concat(now.Keys).Distinct()
            .Select(f => new FieldChange(f, old.GetValueOrDefault(f), now.GetValueOrDefault(f)) { Changed = before is not null && after is not null && old.GetValueOrDefault(f) != now.GetValueOrDefault(f) })
            .OrderByDescending(c => c.Changed)];
    }

    private static Dictionary<string, string> Flatten(string? json)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        if (json is null) return fields;
        using var document = JsonDocument.Parse(json);
        Add(document.RootElement, "");
        return fields;

        void Add(JsonElement value, string path)
        {
            if (value.ValueKind is JsonValueKind.Object)
                foreach (var member in value.EnumerateObject()) Add(member.Value, path.Length == 0 ? member.Name : $"{path}.{member.Name}");
            else if (value.ValueKind is JsonValueKind.Array && value.EnumerateArray().Any(v => v.ValueKind is JsonValueKind.Object))
                foreach (var (item, index) in value.EnumerateArray().Select((v, i) => (v, i))) Add(item, $"{path}[{index}]");
            else if (value.ValueKind is JsonValueKind.Array) fields[path] = string.Join(", ", value.EnumerateArray().Select(v => v.ToString()));
            else fields[path.Length == 0 ? "value" : path] = value.ValueKind switch { JsonValueKind.True => "yes", JsonValueKind.False => "no", _ => value.ToString() };
        }
    }
}
