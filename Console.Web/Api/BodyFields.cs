using System.Text.Json;
using System.Text.RegularExpressions;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Api;

/// <summary>Reads a body that is JSON into a type; says which field is wrong and what it takes.</summary>
internal static partial class BodyFields
{
    public static Result<T> Read<T>(JsonElement body, JsonSerializerOptions options) where T : class
    {
        try
        {
            return body.Deserialize<T>(options) is { } value ? value : Problem.Invalid("body", "It is null.", $"Send an object with {Fields(typeof(T), options)}.");
        }
        catch (JsonException e)
        {
            return Problem.Invalid(Describe(e, typeof(T), options));
        }
    }

    private static IReadOnlyList<FieldError> Describe(JsonException e, Type type, JsonSerializerOptions options)
    {
        var path = e.Path is null or "$" ? "body" : e.Path.StartsWith("$.", StringComparison.Ordinal) ? e.Path[2..] : e.Path.TrimStart('$');
        if (Unknown().Match(e.Message) is { Success: true } unknown)
        {
            var name = unknown.Groups[1].Value;
            return [new(path == "body" || path.EndsWith(name, StringComparison.Ordinal) ? path == "body" ? name : path : $"{path}.{name}", "There is no such field.", $"Known fields: {Fields(type, options)}.")];
        }
        if (e.Message.Contains("missing required", StringComparison.Ordinal))
            return [.. Quoted().Matches(e.Message[e.Message.IndexOf("missing required", StringComparison.Ordinal)..])
                .Select(m => new FieldError(path == "body" ? m.Groups[1].Value : $"{path}.{m.Groups[1].Value}", "It is missing.", "Send it."))];
        if (e.Message.Contains("Duplicate", StringComparison.OrdinalIgnoreCase))
            return [new(path, "It is given twice.", "Send it once.")];
        return [new(path, "It has the wrong type or value.", Expected(type, path, options) is { } expected ? $"Send {expected}." : "Compare it with the description at /api.")];
    }

    private static string Fields(Type type, JsonSerializerOptions options) => string.Join(", ", options.GetTypeInfo(type).Properties.Select(p => p.Name));

    /// <summary>What the field at a path takes. The exception names only the root type, so the path is walked.</summary>
    private static string? Expected(Type root, string path, JsonSerializerOptions options)
    {
        Type? type = root;
        foreach (var part in path.Split('.'))
        {
            var info = options.GetTypeInfo(type);
            type = info.Properties.FirstOrDefault(p => p.Name == part.Split('[')[0])?.PropertyType;
            if (type is null) return null;
            if (part.Contains('[')) type = options.GetTypeInfo(type).ElementType ?? type;
            type = Nullable.GetUnderlyingType(type) ?? type;
        }
        return type switch
        {
            { IsEnum: true } => "one of " + string.Join(", ", Enum.GetNames(type).Select(n => n.ToLowerInvariant())),
            _ when type == typeof(Guid) => "an id such as 0199c5de-8d7f-7c3a-9b1e-2f4d6a8c0e12",
            _ when type == typeof(string) => "a text",
            _ when type == typeof(bool) => "true or false",
            _ when type == typeof(DateTimeOffset) => "a time such as 2026-11-22T21:00:00Z",
            _ when type == typeof(double) || type == typeof(decimal) => "a number",
            { IsPrimitive: true } => "a whole number within its range",
            _ => null,
        };
    }

    [GeneratedRegex("JSON property '([^']+)' could not be mapped")]
    private static partial Regex Unknown();

    [GeneratedRegex("'([^']+)'")]
    private static partial Regex Quoted();
}
