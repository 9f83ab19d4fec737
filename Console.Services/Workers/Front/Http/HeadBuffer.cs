using System.Text;

namespace Quarterdeck.Workers.Front.Http;

/// <summary>Where the head of a request to a compute server is put together; kept with its connection.</summary>
internal sealed class HeadBuffer
{
    private byte[] _bytes = new byte[2048];
    private int _count;

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _count);

    public void Clear() => _count = 0;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        _count += bytes.Length;
    }

    /// <summary>Adds text a byte for each character (Latin-1), as Kestrel was told to read it.</summary>
    public void Add(ReadOnlySpan<char> text) => _count += Encoding.Latin1.GetBytes(text, Room(text.Length));

    public void Add(long number)
    {
        number.TryFormat(Room(20), out var written, default, System.Globalization.CultureInfo.InvariantCulture);
        _count += written;
    }

    /// <summary>One header line.</summary>
    public void Line(ReadOnlySpan<byte> name, ReadOnlySpan<char> value)
    {
        Add(name);
        Add(": "u8);
        Add(value);
        Add("\r\n"u8);
    }

    private Span<byte> Room(int length)
    {
        // Kestrel bounds what visitors send, so this does, too.
        if (_bytes.Length - _count < length) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _count + length));
        return _bytes.AsSpan(_count);
    }
}
