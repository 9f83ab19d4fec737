using System.Text;

namespace Quarterdeck.Workers.Front.Http;

/// <summary>Names of response headers as strings, made once: workers send the same few again and again.</summary>
internal static class HeaderText
{
    private const int Size = 512, MostLength = 64;
    private static readonly Entry?[] Known = new Entry?[Size];

    /// <summary>The name as text.</summary>
    public static string Name(ReadOnlySpan<byte> name)
    {
        if (name.Length > MostLength) return Value(name);
        ref var slot = ref Known[(name.Length * 31 + name[0] * 7 + name[^1] + name[name.Length / 2] * 3) & (Size - 1)];
        if (slot is { } known && name.SequenceEqual(known.Bytes)) return known.Text;
        // Two threads may both make it, and two names may share a slot: each time it costs an allocation, no more.
        var made = new Entry(name.ToArray(), Value(name));
        slot = made;
        return made.Text;
    }

    /// <summary>A value as text, a character for each byte.</summary>
    public static string Value(ReadOnlySpan<byte> value) => Encoding.Latin1.GetString(value);

    private sealed record Entry(byte[] Bytes, string Text);
}
