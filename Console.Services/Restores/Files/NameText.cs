using System.Buffers;
using System.Globalization;
using System.Text;

namespace Quarterdeck.Restores.Files;

/// <summary>Names of files, which may be any bytes, as text that can be shown, sent and read back without loss.</summary>
/// <remarks>Bytes that are no UTF-8, control and format characters (line ends, those that turn the direction of writing) become <c>\xNN</c>, byte by byte; a backslash becomes two.</remarks>
internal static class NameText
{
    /// <summary>As text.</summary>
    public static string From(ReadOnlySpan<byte> name)
    {
        var text = new StringBuilder(name.Length);
        while (name.Length > 0)
        {
            var status = Rune.DecodeFromUtf8(name, out var rune, out var taken);
            if (status is OperationStatus.Done && IsPlain(rune)) text.Append(rune.ToString());
            else if (status is OperationStatus.Done && rune.Value == '\\') text.Append(@"\\");
            else foreach (var b in name[..taken]) text.Append(CultureInfo.InvariantCulture, $"\\x{b:X2}");
            name = name[taken..];
        }
        return text.ToString();
    }

    /// <summary>Back to bytes; null when a backslash is followed by neither another one nor <c>xNN</c>.</summary>
    public static byte[]? Parse(string text)
    {
        var bytes = new ArrayBufferWriter<byte>(text.Length + 8);
        for (var at = 0; at < text.Length;)
        {
            if (text[at] == '\\')
            {
                if (at + 1 < text.Length && text[at + 1] == '\\') (at, _) = (at + 2, Put((byte)'\\'));
                else if (at + 3 < text.Length && text[at + 1] == 'x' && byte.TryParse(text.AsSpan(at + 2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)) (at, _) = (at + 4, Put(value));
                else return null;
                continue;
            }
            var end = text.IndexOf('\\', at) is >= 0 and var next ? next : text.Length;
            Encoding.UTF8.GetBytes(text.AsSpan(at, end - at), bytes);
            at = end;
        }
        return bytes.WrittenSpan.ToArray();

        int Put(byte value)
        {
            bytes.Write([value]);
            return 1;
        }
    }

    private static bool IsPlain(Rune rune) => rune.Value != '\\' && Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse);
}
