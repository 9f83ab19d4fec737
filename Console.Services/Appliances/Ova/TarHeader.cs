using System.Buffers.Binary;
using System.Text;

namespace Quarterdeck.Appliances.Ova;

/// <summary>What a tar block of 512 bytes says about the entry behind it.</summary>
/// <param name="Name">As written there, prefix joined.</param>
/// <param name="Size">Bytes of content.</param>
/// <param name="Type">The type flag; <c>'0'</c> for a regular file.</param>
internal readonly record struct TarHeader(string Name, long Size, char Type)
{
    public const int BlockSize = 512;

    /// <summary>Whether the block is all zeros, which ends an archive.</summary>
    public static bool IsEnd(ReadOnlySpan<byte> block) => !block.ContainsAnyExcept((byte)0);

    /// <exception cref="Platform.ProblemException">It is no tar header, or its checksum is wrong.</exception>
    public static TarHeader Parse(ReadOnlySpan<byte> block)
    {
        // The checksum is the sum of all bytes with its own field taken as blanks.
        long sum = 8 * ' ';
        for (var i = 0; i < BlockSize; i++)
            if (i is < 148 or >= 156) sum += block[i];
        if (Number(block[148..156]) != sum) throw Refusal.Of("package", "it is not a tar archive, or a header in it is damaged.", "An OVA is a tar archive whose first file is the .ovf descriptor.");
        var type = block[156] == 0 ? '0' : (char)block[156];
        var name = Text(block[..100]);
        // GNU tar's own format has other fields where ustar has the prefix.
        if (block.Slice(257, 6).SequenceEqual("ustar\0"u8) && Text(block[345..500]) is { Length: > 0 } prefix) name = prefix + "/" + name;
        return new TarHeader(name, Number(block[124..136]), type);
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }

    /// <summary>Octal digits, or GNU's base 256 for large files.</summary>
    private static long Number(ReadOnlySpan<byte> field)
    {
        if ((field[0] & 0x80) != 0)
        {
            if (field.Length <= sizeof(long)) return -1; // the mark and eight bytes need more room than a checksum has
            var tail = field[^sizeof(long)..];
            if (field[0] != 0x80 || field[1..^sizeof(long)].ContainsAnyExcept((byte)0) || (tail[0] & 0x80) != 0) return -1;
            return BinaryPrimitives.ReadInt64BigEndian(tail);
        }
        long value = 0;
        foreach (var digit in field.Trim("\0 "u8))
        {
            if (digit is < (byte)'0' or > (byte)'7') return -1;
            value = (value << 3) | (long)(digit - '0');
        }
        return value;
    }
}
