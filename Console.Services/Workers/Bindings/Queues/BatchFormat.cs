using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Quarterdeck.Workers.Bindings.Queues;

/// <summary>A batch as admin.js unpacks it, and what it answers.</summary>
internal static class BatchFormat
{
    /// <summary>Four bytes with the head's length, little-endian; the head, JSON; the serialised bodies one after the other.</summary>
    public static byte[] Pack(MessageBatch batch)
    {
        var bodies = batch.Messages.Select(m => StructuredValue.Of(m.ContentType, m.Body)).ToList();
        var head = JsonSerializer.SerializeToUtf8Bytes(new JsonArray([.. batch.Messages.Select((m, i) => (JsonNode)new JsonObject
        {
            ["id"] = m.Id.ToString("N"), ["at"] = m.SentAt.ToUnixTimeMilliseconds(), ["attempts"] = m.Attempts, ["size"] = bodies[i].Length,
        })]));
        var packed = new byte[4 + head.Length + bodies.Sum(b => b.Length)];
        BinaryPrimitives.WriteInt32LittleEndian(packed, head.Length);
        head.CopyTo(packed, 4);
        var at = 4 + head.Length;
        foreach (var body in bodies)
        {
            body.CopyTo(packed, at);
            at += body.Length;
        }
        return packed;
    }

    /// <summary>What the runtime says of a call: <c>{outcome, ackAll, retryBatch:{retry,delaySeconds?}, explicitAcks:[id], retryMessages:[{msgId,delaySeconds?}]}</c>.</summary>
    /// <remarks>What was said of one message counts more than what was said of all, and holds even when the handler failed afterwards.</remarks>
    public static QueueVerdict Read(string answer)
    {
        using var document = JsonDocument.Parse(answer);
        var said = document.RootElement;
        var outcome = said.TryGetProperty("outcome", out var name) ? name.GetString() ?? "unknown" : "unknown";
        var batch = said.TryGetProperty("retryBatch", out var all) && all.ValueKind is JsonValueKind.Object ? all : default;
        var again = batch.ValueKind is JsonValueKind.Object && batch.TryGetProperty("retry", out var retry) && retry.ValueKind is JsonValueKind.True;
        var acknowledgedAll = said.TryGetProperty("ackAll", out var ack) && ack.ValueKind is JsonValueKind.True;
        return new QueueVerdict(
            outcome,
            [.. Items(said, "explicitAcks").Where(i => i.ValueKind is JsonValueKind.String).Select(i => Guid.ParseExact(i.GetString()!, "N"))],
            [.. Items(said, "retryMessages").Select(i => new RetriedMessage(Guid.ParseExact(i.GetProperty("msgId").GetString()!, "N"), Delay(i)))],
            again || outcome != "ok" && !acknowledgedAll, again ? Delay(batch) : null);
    }

    private static IEnumerable<JsonElement> Items(JsonElement of, string name) => of.TryGetProperty(name, out var list) && list.ValueKind is JsonValueKind.Array ? list.EnumerateArray() : [];

    // A handler may name any number.
    private static int? Delay(JsonElement of) =>
        of.TryGetProperty("delaySeconds", out var delay) && delay.ValueKind is JsonValueKind.Number && delay.TryGetDouble(out var seconds) ? (int)Math.Clamp(seconds, 0, QueueSender.LongestDelay) : null;
}
