using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Quarterdeck.Events.Nodes;

/// <summary>What one NOTIFY says.</summary>
/// <param name="Node">Who says it.</param>
/// <param name="Topic">The topic that changed; null for a sign of life.</param>
/// <param name="Keys">The changed keys; null for all.</param>
/// <param name="Leaving">The node ends in order: nothing of it is lost.</param>
internal sealed record Notice(string Node, string? Topic = null, IReadOnlyList<string>? Keys = null, bool Leaving = false)
{
    /// <summary>PostgreSQL takes less than 8,000 bytes.</summary>
    public const int MostBytes = 7900;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public string Write() => JsonSerializer.Serialize(this, Json);

    /// <summary>Null when it is none of ours.</summary>
    public static Notice? Read(string payload)
    {
        try { return JsonSerializer.Deserialize<Notice>(payload, Json) is { Node: not null } notice ? notice : null; }
        catch (JsonException) { return null; }
    }

    /// <summary>As few notices as the keys fit in; one for everything when a key is too long to be named.</summary>
    public static IEnumerable<string> Of(string node, string topic, IReadOnlyCollection<string>? keys)
    {
        var room = MostBytes - Encoding.UTF8.GetByteCount(new Notice(node, topic, []).Write());
        if (keys is null || keys.Any(k => Size(k) > room))
        {
            yield return new Notice(node, topic).Write();
            yield break;
        }
        List<string> part = [];
        var size = 0;
        foreach (var key in keys)
        {
            if (size + Size(key) > room)
            {
                yield return new Notice(node, topic, part).Write();
                part = [];
                size = 0;
            }
            part.Add(key);
            size += Size(key);
        }
        if (part.Count > 0) yield return new Notice(node, topic, part).Write();
    }

    private static int Size(string key) => JsonEncodedText.Encode(key, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes.Length + 3;
}
