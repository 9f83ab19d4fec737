using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Quarterdeck.Workers.Logs;

/// <summary>Reads the runtime's trace items. They hold what tenants wrote: nothing in them is trusted, everything is cut to a size.</summary>
internal static class TailReader
{
    public const int MostBytes = 4 << 20;
    private const int MostRuns = 500, MostLines = 256, MostExceptions = 16, MostText = 16 << 10, MostWord = 4 << 10;

    /// <summary>The runs that they tell of; none when it is no JSON array or larger than <see cref="MostBytes"/>.</summary>
    public static IReadOnlyList<TailEvent> Read(long serial, int version, ReadOnlySpan<byte> events, DateTimeOffset now)
    {
        if (events.Length > MostBytes) return [];
        try
        {
            var reader = new Utf8JsonReader(events);
            using var document = JsonDocument.ParseValue(ref reader);
            return document.RootElement.ValueKind is not JsonValueKind.Array ? []
                : [.. document.RootElement.EnumerateArray().Take(MostRuns).Where(one => one.ValueKind is JsonValueKind.Object).Select(one => Run(serial, version, one, now))];
        }
        catch (JsonException) { return []; }
    }

    private static TailEvent Run(long serial, int version, JsonElement item, DateTimeOffset now)
    {
        var what = Member(item, "event");
        var request = Member(what, "request");
        var lines = Items(item, "logs");
        var exceptions = Items(item, "exceptions");
        var cut = lines.Count > MostLines || exceptions.Count > MostExceptions || Member(item, "truncated").ValueKind is JsonValueKind.True;
        return new TailEvent(
            serial, version, Time(item, "eventTimestamp") ?? now, Trigger(what), Word(item, "outcome") ?? "unknown",
            Word(request, "method"), Word(request, "url"), (int?)Number(Member(what, "response"), "status"), Word(Member(request, "headers"), "x-request-id"),
            Number(item, "cpuTime") ?? 0, Number(item, "wallTime") ?? 0,
            [.. lines.Take(MostLines).Select(line => new TailLine(Time(line, "timestamp") ?? now, Level(Word(line, "level")), Joined(Member(line, "message"), ref cut)))],
            [.. exceptions.Take(MostExceptions).Select(e => new TailException(Time(e, "timestamp") ?? now, Word(e, "name") ?? "Error", Word(e, "message") ?? "", Word(e, "stack")))],
            cut);
    }

    private static string Trigger(JsonElement what) =>
        Has(what, "request") ? "fetch" : Has(what, "cron") ? "scheduled" : Has(what, "queue") ? "queue" : Has(what, "rpcMethod") ? "rpc" : Has(what, "scheduledTime") ? "alarm" : "other";

    private static TailLevel Level(string? level) => level switch { "debug" or "trace" => TailLevel.Debug, "info" => TailLevel.Info, "warn" => TailLevel.Warn, "error" => TailLevel.Error, _ => TailLevel.Log };

    /// <summary>The arguments of a console call: text as it is, the rest as JSON.</summary>
    private static string Joined(JsonElement message, ref bool cut)
    {
        if (message.ValueKind is not JsonValueKind.Array) return Text(message, ref cut);
        var joined = new StringBuilder();
        foreach (var part in message.EnumerateArray())
        {
            if (joined.Length > 0) joined.Append(' ');
            joined.Append(Text(part, ref cut));
            if (joined.Length < MostText) continue;
            cut = true;
            return joined.ToString(0, MostText);
        }
        return joined.ToString();
    }

    private static string Text(JsonElement value, ref bool cut)
    {
        var text = value.ValueKind switch { JsonValueKind.String => value.GetString()!, JsonValueKind.Undefined => "", _ => value.GetRawText() };
        if (text.Length <= MostText) return text;
        cut = true;
        return text[..MostText];
    }

    private static JsonElement Member(JsonElement of, string name) => of.ValueKind is JsonValueKind.Object && of.TryGetProperty(name, out var value) ? value : default;

    private static bool Has(JsonElement of, string name) => Member(of, name).ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    private static List<JsonElement> Items(JsonElement of, string name) => Member(of, name) is { ValueKind: JsonValueKind.Array } all ? [.. all.EnumerateArray().Take(MostLines + 1)] : [];

    private static string? Word(JsonElement of, string name) => Member(of, name) is { ValueKind: JsonValueKind.String } value && value.GetString() is { } text ? text.Length <= MostWord ? text : text[..MostWord] : null;

    private static double? Number(JsonElement of, string name) => Member(of, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out var number) && double.IsFinite(number) ? number : null;

    /// <summary>A moment, which the runtime tells in milliseconds since 1970 or as text.</summary>
    private static DateTimeOffset? Time(JsonElement of, string name)
    {
        if (Number(of, name) is { } ms) return ms is > 0 and < 253402300799999 ? DateTimeOffset.FromUnixTimeMilliseconds((long)ms) : null;
        return DateTimeOffset.TryParse(Word(of, name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;
    }
}
