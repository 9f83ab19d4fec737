using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Quarterdeck.Workers.Bindings.Queues;

/// <summary>A message's body as V8 serialises values, version 15: so it becomes a value in the consumer's own isolate, and nobody parses it on the way.</summary>
/// <remarks>What JSON lacks comes as <c>{"$t":[kind, …]}</c> from client-queue.js. Strings go as UTF-8, which V8 reads wherever it writes one of its own kinds.</remarks>
internal static class StructuredValue
{
    private const string Mark = "$t";
    private const int MostDepth = 512;
    private static readonly JsonDocumentOptions Json = new() { MaxDepth = MostDepth };

    /// <summary>The serialised value.</summary>
    /// <exception cref="FormatException">The body is not what its type says; the message tells why.</exception>
    public static byte[] Of(string contentType, ReadOnlyMemory<byte> body)
    {
        var into = new ArrayBufferWriter<byte>(body.Length + 64);
        into.Write((ReadOnlySpan<byte>)[0xff, 15]);
        switch (contentType)
        {
            case QueueContent.Text:
                Text(into, body.Span);
                break;
            case QueueContent.Bytes:
                Tagged(into, 'B', body.Span);
                break;
            default:
                try
                {
                    using var document = JsonDocument.Parse(body, Json);
                    Write(into, document.RootElement, contentType is QueueContent.V8);
                }
                // An unpaired surrogate is no text, and JsonElement says so in this way.
                catch (Exception e) when (e is JsonException or InvalidOperationException or IndexOutOfRangeException) { throw new FormatException($"The body is no JSON, or nested deeper than {MostDepth}: {e.Message}", e); }
                break;
        }
        return into.WrittenSpan.ToArray();
    }

    private static void Write(ArrayBufferWriter<byte> into, JsonElement value, bool marked)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Null: Tag(into, '0'); break;
            case JsonValueKind.True: Tag(into, 'T'); break;
            case JsonValueKind.False: Tag(into, 'F'); break;
            case JsonValueKind.String: Text(into, value.GetString()!); break;
            case JsonValueKind.Number: Number(into, value); break;
            case JsonValueKind.Array:
                var length = (uint)value.GetArrayLength();
                Tag(into, 'A');
                Varint(into, length);
                foreach (var item in value.EnumerateArray()) Write(into, item, marked);
                Tag(into, '$');
                Varint(into, 0);
                Varint(into, length);
                break;
            default:
                if (marked && value.TryGetProperty(Mark, out var kind)) Special(into, kind);
                else Pairs(into, 'o', '{', [.. value.EnumerateObject().Select(p => (p.Name, p.Value))], marked, each: 1);
                break;
        }
    }

    private static void Pairs(ArrayBufferWriter<byte> into, char begin, char end, IReadOnlyList<(string Name, JsonElement Value)> pairs, bool marked, uint each)
    {
        Tag(into, begin);
        foreach (var (name, value) in pairs)
        {
            Text(into, name);
            Write(into, value, marked);
        }
        Tag(into, end);
        Varint(into, (uint)pairs.Count * each);
    }

    private static void Special(ArrayBufferWriter<byte> into, JsonElement kind)
    {
        switch (kind[0].GetString())
        {
            case "undefined": Tag(into, '_'); break;
            case "number": Double(into, 'N', kind[1].GetString() switch { "Infinity" => double.PositiveInfinity, "-Infinity" => double.NegativeInfinity, "-0" => -0.0, _ => double.NaN }); break;
            case "date": Double(into, 'D', kind[1].ValueKind is JsonValueKind.Number ? kind[1].GetDouble() : double.NaN); break;
            case "bigint": Big(into, BigInteger.Parse(kind[1].GetString()!, CultureInfo.InvariantCulture)); break;
            case "object": Pairs(into, 'o', '{', [.. kind[1].EnumerateArray().Select(p => (p[0].GetString()!, p[1]))], true, 1); break;
            case "map": Items(into, ';', ':', [.. kind[1].EnumerateArray().SelectMany(p => p.EnumerateArray())]); break;
            case "set": Items(into, '\'', ',', [.. kind[1].EnumerateArray()]); break;
            case "regexp":
                Tag(into, 'R');
                Text(into, kind[1].GetString()!);
                Varint(into, kind[2].GetUInt32());
                break;
            case "buffer":
                var bytes = kind[2].GetBytesFromBase64();
                Tagged(into, 'B', bytes);
                if (kind[1].GetString() is not { Length: 1 } view) break;
                // The view of the buffer before it: which kind, from where, how many bytes, and no flags.
                Tag(into, 'V');
                Tag(into, view[0]);
                Varint(into, 0);
                Varint(into, (uint)bytes.Length);
                Varint(into, 0);
                break;
            default: throw new FormatException("The body has a value of a kind that is not known.");
        }
    }

    private static void Items(ArrayBufferWriter<byte> into, char begin, char end, IReadOnlyList<JsonElement> items)
    {
        Tag(into, begin);
        foreach (var item in items) Write(into, item, marked: true);
        Tag(into, end);
        Varint(into, (uint)items.Count);
    }

    private static void Number(ArrayBufferWriter<byte> into, JsonElement value)
    {
        if (!value.TryGetInt32(out var whole) || whole == 0 && value.GetRawText()[0] == '-')
        {
            Double(into, 'N', value.GetDouble());
            return;
        }
        Tag(into, 'I');
        Varint(into, (uint)(whole << 1 ^ whole >> 31));
    }

    private static void Big(ArrayBufferWriter<byte> into, BigInteger value)
    {
        var digits = BigInteger.Abs(value).ToByteArray(isUnsigned: true);
        var length = value.IsZero ? 0 : (digits.Length + 7) / 8 * 8;
        Tag(into, 'Z');
        Varint(into, (uint)length << 1 | (value.Sign < 0 ? 1u : 0));
        if (length == 0) return;
        into.Write(digits);
        into.Write(new byte[length - digits.Length]);
    }

    private static void Text(ArrayBufferWriter<byte> into, string text) => Text(into, Encoding.UTF8.GetBytes(text));

    private static void Text(ArrayBufferWriter<byte> into, ReadOnlySpan<byte> utf8) => Tagged(into, 'S', utf8);

    private static void Tagged(ArrayBufferWriter<byte> into, char tag, ReadOnlySpan<byte> bytes)
    {
        Tag(into, tag);
        Varint(into, (uint)bytes.Length);
        into.Write(bytes);
    }

    private static void Double(ArrayBufferWriter<byte> into, char tag, double value)
    {
        Tag(into, tag);
        BinaryPrimitives.WriteDoubleLittleEndian(into.GetSpan(8), value);
        into.Advance(8);
    }

    private static void Tag(ArrayBufferWriter<byte> into, char tag) => into.Write((ReadOnlySpan<byte>)[(byte)tag]);

    private static void Varint(ArrayBufferWriter<byte> into, uint value)
    {
        for (; value >= 0x80; value >>= 7) into.Write((ReadOnlySpan<byte>)[(byte)(value | 0x80)]);
        into.Write((ReadOnlySpan<byte>)[(byte)value]);
    }
}
