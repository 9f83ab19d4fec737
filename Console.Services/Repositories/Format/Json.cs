using System.Text.Json;
using System.Text.Json.Serialization;

namespace Quarterdeck.Repositories.Format;

/// <summary>How small objects are written.</summary>
internal static class Json
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase), new IdConverter(), new RootConverter() },
    };

    private sealed class IdConverter : JsonConverter<ChunkId>
    {
        public override ChunkId Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => Id(reader.GetString());

        public override void Write(Utf8JsonWriter writer, ChunkId value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }

    private sealed class RootConverter : JsonConverter<RootHash>
    {
        public override RootHash Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => new(Id(reader.GetString()));

        public override void Write(Utf8JsonWriter writer, RootHash value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }

    private static ChunkId Id(string? text)
    {
        try { return ChunkId.Parse(text ?? ""); }
        catch (FormatException e) { throw new JsonException(e.Message, e); }
    }
}
