using System.Buffers;
using System.Buffers.Text;

namespace Quarterdeck.Workers.Front.Http;

/// <summary>How the end of a response's body is known.</summary>
internal enum Framing
{
    /// <summary>There is no body.</summary>
    None,
    /// <summary>After so many bytes.</summary>
    Length,
    /// <summary>By chunks.</summary>
    Chunked,
    /// <summary>When the connection closes.</summary>
    UntilClose,
}

/// <summary>The head of a response, read strictly (RFC 9112): what is ambiguous is refused, so that no response is taken for another's.</summary>
internal sealed class ResponseHead
{
    /// <summary>Most bytes of a head, status line included.</summary>
    public const int MostBytes = 64 << 10;

    private const int MostFields = 256;
    private static readonly SearchValues<byte> Token = SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);
    private static readonly SearchValues<byte> NoText = SearchValues.Create([.. Enumerable.Range(0, 32).Where(b => b != '\t').Select(b => (byte)b), 127]);
    private readonly Field[] _fields = new Field[MostFields];

    /// <summary>Where a field's name and value are, counted from the head's first byte.</summary>
    public readonly record struct Field(int NameAt, int NameLength, int ValueAt, int ValueLength);

    public int Status { get; private set; }

    public Framing Framing { get; private set; }

    /// <summary>Bytes of the body when <see cref="Framing"/> is by length; also what a response to HEAD would have had; -1 unknown.</summary>
    public long Length { get; private set; }

    /// <summary>Whether another request may follow on the connection.</summary>
    public bool KeepsAlive { get; private set; }

    /// <summary>All fields in their order.</summary>
    public ReadOnlySpan<Field> Fields => _fields.AsSpan(0, _count);

    private int _count;

    /// <summary>Reads a head if it is there as a whole.</summary>
    /// <param name="bytes">What was received.</param>
    /// <param name="toHead">Whether the request's method was HEAD.</param>
    /// <param name="consumed">Bytes of the head; 0 when more must be received.</param>
    /// <exception cref="UpstreamException">It is not a response, or ambiguous, or too long.</exception>
    public bool TryRead(ReadOnlySpan<byte> bytes, bool toHead, out int consumed)
    {
        consumed = 0;
        var end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0) return bytes.Length <= MostBytes ? false : throw Malformed("its head is too long");
        if (end > MostBytes) throw Malformed("its head is too long");
        var http10 = ReadStatus(bytes, out var at);
        (_count, Length, KeepsAlive) = (0, -1, !http10);
        var chunked = false;
        while (at < end + 2)
        {
            var line = bytes[at..(end + 2)];
            var length = line.IndexOf("\r\n"u8);
            ReadField(bytes, at, length, ref chunked);
            at += length + 2;
        }
        Frame(toHead, chunked);
        consumed = end + 4;
        return true;
    }

    private bool ReadStatus(ReadOnlySpan<byte> bytes, out int next)
    {
        var end = bytes.IndexOf("\r\n"u8);
        var line = bytes[..end];
        if (line.Length < 12 || !line.StartsWith("HTTP/1."u8) || line[7] is not ((byte)'0' or (byte)'1') || line[8] != ' ') throw Malformed("its first line is not that of HTTP/1.1");
        if (!Utf8Parser.TryParse(line[9..12], out int status, out var digits) || digits != 3 || status is < 100 or > 999) throw Malformed("its status is no number of three digits");
        if (line.Length > 12 && line[12] != ' ' || line.ContainsAny(NoText)) throw Malformed("its first line is not that of HTTP/1.1");
        (Status, next) = (status, end + 2);
        return line[7] == '0';
    }

    private void ReadField(ReadOnlySpan<byte> bytes, int at, int length, ref bool chunked)
    {
        var line = bytes.Slice(at, length);
        var colon = line.IndexOf((byte)':');
        // a folded line begins with a space, which is no name either
        if (colon <= 0 || line[..colon].ContainsAnyExcept(Token)) throw Malformed("a header has no proper name");
        if (_count == MostFields) throw Malformed("it has too many headers");
        var name = line[..colon];
        var value = line[(colon + 1)..];
        var valueAt = at + colon + 1 + (value.Length - value.TrimStart(" \t"u8).Length);
        value = value.Trim(" \t"u8);
        if (value.ContainsAny(NoText)) throw Malformed("a header's value has control characters");
        _fields[_count++] = new Field(at, colon, valueAt, value.Length);
        switch (name.Length)
        {
            case 14 when Is(name, "content-length"u8):
                if (Length >= 0 || chunked || value.Length is 0 or > 18 || !Utf8Parser.TryParse(value, out long bodyLength, out var digits) || digits != value.Length || value[0] is < (byte)'0' or > (byte)'9')
                    throw Malformed("its length is unclear");
                Length = bodyLength;
                break;
            case 17 when Is(name, "transfer-encoding"u8):
                if (Length >= 0 || chunked || !Is(value, "chunked"u8)) throw Malformed("its length is unclear");
                chunked = true;
                break;
            case 10 when Is(name, "connection"u8) && Names(value, "close"u8):
                KeepsAlive = false;
                break;
        }
    }

    private void Frame(bool toHead, bool chunked)
    {
        // RFC 9112, 6.3, in its order
        if (toHead || Status is < 200 or 204 or 304) Framing = Framing.None;
        else if (chunked) Framing = Framing.Chunked;
        else if (Length >= 0) Framing = Length == 0 ? Framing.None : Framing.Length;
        else (Framing, KeepsAlive) = (Framing.UntilClose, false);
    }

    /// <summary>Whether two texts are the same but for the case of letters.</summary>
    public static bool Is(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lowerCase) => System.Text.Ascii.EqualsIgnoreCase(text, lowerCase);

    /// <summary>Whether a comma-separated list names a word.</summary>
    public static bool Names(ReadOnlySpan<byte> list, ReadOnlySpan<byte> lowerCase)
    {
        foreach (var part in list.Split((byte)','))
            if (Is(list[part].Trim(" \t"u8), lowerCase)) return true;
        return false;
    }

    private static UpstreamException Malformed(string why) => new(UpstreamFault.Malformed, $"The compute server's response cannot be read: {why}.");
}
