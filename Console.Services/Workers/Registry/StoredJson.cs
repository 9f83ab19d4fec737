using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Quarterdeck.Workers.Registry;

/// <summary>How parts of definitions are kept in columns of text; unknown fields of a newer console are passed over.</summary>
internal static class StoredJson
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(new LowerCase()) } };

    public static string Write<T>(T value) => JsonSerializer.Serialize(value, Options);

    [return: NotNullIfNotNull(nameof(value))]
    public static string? WriteOptional<T>(T? value) where T : class => value is null ? null : Write(value);

    public static T Read<T>(string text) => JsonSerializer.Deserialize<T>(text, Options)!;

    public static T? ReadOptional<T>(string? text) where T : class => text is null ? null : Read<T>(text);

    private sealed class LowerCase : JsonNamingPolicy
    {
        public override string ConvertName(string name) => name.ToLowerInvariant();
    }
}
