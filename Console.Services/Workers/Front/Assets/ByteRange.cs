using System.Globalization;

namespace Quarterdeck.Workers.Front.Assets;

/// <summary>Which bytes a Range header asks for (RFC 9110, 14.1.2).</summary>
/// <param name="From">The first.</param>
/// <param name="Length">How many; 0 when the file has none of them.</param>
internal readonly record struct ByteRange(long From, long Length)
{
    /// <summary>Null when the whole file is the answer: for units other than bytes, for what cannot be read, and for several parts at once, which the answer may leave unfollowed.</summary>
    public static ByteRange? Read(string header, long size)
    {
        if (!header.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase)) return null;
        var text = header.AsSpan("bytes=".Length).Trim();
        var dash = text.IndexOf('-');
        if (dash < 0 || text.Contains(',')) return null;
        var first = text[..dash].Trim();
        var last = text[(dash + 1)..].Trim();
        if (first.Length == 0) return Number(last) is not { } count ? null : count == 0 || size == 0 ? default(ByteRange) : new ByteRange(Math.Max(0, size - count), Math.Min(count, size));
        if (Number(first) is not { } from || last.Length > 0 && Number(last) is null) return null;
        var to = last.Length == 0 ? long.MaxValue : Number(last)!.Value;
        return to < from ? null : from >= size ? default(ByteRange) : new ByteRange(from, Math.Min(to, size - 1) - from + 1);
    }

    private static long? Number(ReadOnlySpan<char> text) => text.Length is > 0 and <= 18 && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
