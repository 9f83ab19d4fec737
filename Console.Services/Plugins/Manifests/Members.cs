using System.Text.Json;
using Quarterdeck.Platform;

namespace Quarterdeck.Plugins.Manifests;

/// <summary>One object of a manifest: reads its members, and collects under their full names what is wrong with them.</summary>
/// <remarks>An absent member and one that is null are the same. Lengths count characters as JSON Schema does: Unicode code points.</remarks>
internal sealed class Members(JsonElement element, string path, List<FieldError> errors)
{
    public void Wrong(string member, string message, string remedy) => errors.Add(new FieldError($"{path}.{member}", message, remedy));

    public bool Has(string member) => Find(member) is not null;

    private JsonElement? Find(string member) => element.TryGetProperty(member, out var value) && value.ValueKind is not JsonValueKind.Null ? value : null;

    /// <summary>A text without control characters; empty when it is absent or wrong.</summary>
    public string Text(string member, int most, bool required, Func<string, bool>? fits = null, string? form = null)
    {
        if (Find(member) is not { } value)
        {
            if (required) Wrong(member, "It is missing.", form ?? $"Give 1 to {most} characters.");
            return "";
        }
        if (value.ValueKind is JsonValueKind.String && value.GetString() is { } text && text.Trim().Length > 0 && text.EnumerateRunes().Count() <= most && !text.Any(char.IsControl) && fits?.Invoke(text) is null or true) return text;
        Wrong(member, "It is no text of the right form.", form ?? $"Give 1 to {most} characters without control characters.");
        return "";
    }

    /// <summary>A whole number; <paramref name="otherwise"/> when it is absent, and 0 when it is wrong or is missing.</summary>
    public int Number(string member, int least, int most, int? otherwise)
    {
        if (Find(member) is not { } value)
        {
            if (otherwise is null) Wrong(member, "It is missing.", $"Give a whole number from {least} to {most}.");
            return otherwise ?? 0;
        }
        if (value.ValueKind is JsonValueKind.Number && value.TryGetDecimal(out var number) && number == decimal.Truncate(number) && number >= least && number <= most) return (int)number;
        Wrong(member, "It is no whole number in its range.", $"Give a whole number from {least} to {most}.");
        return 0;
    }

    /// <summary>An object, or null when it is absent or wrong.</summary>
    public Members? Object(string member)
    {
        if (Find(member) is not { } value) return null;
        if (value.ValueKind is JsonValueKind.Object) return new Members(value, $"{path}.{member}", errors);
        Wrong(member, "It is no object.", "Give an object in braces; see docs/plugin-protocol.md.");
        return null;
    }

    /// <summary>A list of objects; empty when it is absent or wrong.</summary>
    public IReadOnlyList<T> List<T>(string member, int most, Func<Members, T> read)
    {
        if (Find(member) is not { } list) return [];
        if (list.ValueKind is JsonValueKind.Array && list.GetArrayLength() <= most && list.EnumerateArray().All(e => e.ValueKind is JsonValueKind.Object))
            return [.. list.EnumerateArray().Select((e, i) => read(new Members(e, $"{path}.{member}[{i}]", errors)))];
        Wrong(member, "It is no list of objects, or too long.", $"Give at most {most} objects.");
        return [];
    }

    /// <summary>A list of texts, each kept once; empty when it is absent or wrong.</summary>
    public IReadOnlyList<string> Texts(string member, int least, int most, Func<string, bool> fits, string form)
    {
        if (Find(member) is not { } list)
        {
            if (least > 0) Wrong(member, "It is missing.", form);
            return [];
        }
        if (list.ValueKind is JsonValueKind.Array && list.GetArrayLength() >= least && list.GetArrayLength() <= most && list.EnumerateArray().All(e => e.ValueKind is JsonValueKind.String && fits(e.GetString()!)))
            return [.. list.EnumerateArray().Select(e => e.GetString()!).Distinct()];
        Wrong(member, "It is no list of the right form.", form);
        return [];
    }
}
