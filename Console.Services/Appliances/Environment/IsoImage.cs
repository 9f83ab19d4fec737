using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Quarterdeck.Appliances.Environment;

/// <summary>Writes an ISO 9660 image with Joliet names that holds one small file; always of the same size, so that it can be rewritten in place.</summary>
internal static class IsoImage
{
    /// <summary>Bytes of every image.</summary>
    public const int Bytes = 512 * Sector;

    /// <summary>The largest file that fits.</summary>
    public const int MaxContent = Bytes - Data * Sector;

    private const int Sector = 2048, Descriptors = 16, PathTables = 19, Data = 25;
    private const int Tree = 23;

    /// <param name="label">Volume label, at most 16 characters so that Joliet holds it, too.</param>
    /// <param name="name">The file's name.</param>
    /// <param name="content">The file.</param>
    /// <param name="at">Its time.</param>
    public static byte[] Write(string label, string name, ReadOnlySpan<byte> content, DateTimeOffset at)
    {
        if (label.Length > 16) throw new ArgumentException("A label has at most 16 characters.", nameof(label));
        if (content.Length > MaxContent) throw new ArgumentException($"The content has {content.Length} bytes, at most {MaxContent} fit.", nameof(content));
        var image = new byte[Bytes];
        Volume(image, label, name, content.Length, at, joliet: false);
        Volume(image, label, name, content.Length, at, joliet: true);
        var end = image.AsSpan((Descriptors + 2) * Sector);
        end[0] = 255;
        "CD001"u8.CopyTo(end[1..]);
        end[6] = 1;
        content.CopyTo(image.AsSpan(Data * Sector));
        return image;
    }

    /// <summary>One view of the volume: descriptor, path tables of both byte orders, and the root folder.</summary>
    private static void Volume(byte[] image, string label, string name, int length, DateTimeOffset at, bool joliet)
    {
        var (index, root) = joliet ? (1, Tree + 1) : (0, Tree);
        var (little, big) = (PathTables + 2 * index, PathTables + 2 * index + 1);
        var d = image.AsSpan((Descriptors + index) * Sector, Sector);
        d[0] = (byte)(joliet ? 2 : 1);
        "CD001"u8.CopyTo(d[1..]);
        d[6] = 1;
        Text(d.Slice(8, 32), "", joliet);
        Text(d.Slice(40, 32), label, joliet);
        Both32(d[80..], Bytes / Sector);
        if (joliet) "%/E"u8.CopyTo(d[88..]);
        Both16(d[120..], 1);
        Both16(d[124..], 1);
        Both16(d[128..], Sector);
        Both32(d[132..], 10);
        BinaryPrimitives.WriteInt32LittleEndian(d[140..], little);
        BinaryPrimitives.WriteInt32BigEndian(d[148..], big);
        Entry(d[156..], [0], root, Sector, folder: true, at);
        foreach (var (start, size) in new[] { (190, 128), (318, 128), (446, 128), (574, 128), (702, 37), (739, 37), (776, 37) }) Text(d.Slice(start, size), "", joliet);
        Time(d[813..], at);
        Time(d[830..], at);
        Time(d[847..], null);
        Time(d[864..], null);
        d[881] = 1;

        PathTable(image.AsSpan(little * Sector), root, bigEndian: false);
        PathTable(image.AsSpan(big * Sector), root, bigEndian: true);

        var folder = image.AsSpan(root * Sector, Sector);
        var used = Entry(folder, [0], root, Sector, folder: true, at);
        used += Entry(folder[used..], [1], root, Sector, folder: true, at);
        Entry(folder[used..], joliet ? Encoding.BigEndianUnicode.GetBytes(name) : Encoding.ASCII.GetBytes(name.ToUpperInvariant() + ";1"), Data, length, folder: false, at);
    }

    private static void PathTable(Span<byte> table, int root, bool bigEndian)
    {
        table[0] = 1;
        table[bigEndian ? 7 : 6] = 1;
        if (bigEndian) BinaryPrimitives.WriteInt32BigEndian(table[2..], root);
        else BinaryPrimitives.WriteInt32LittleEndian(table[2..], root);
    }

    private static int Entry(Span<byte> entry, ReadOnlySpan<byte> id, int sector, int length, bool folder, DateTimeOffset at)
    {
        var size = 33 + id.Length + (id.Length % 2 == 0 ? 1 : 0);
        entry[0] = (byte)size;
        Both32(entry[2..], sector);
        Both32(entry[10..], length);
        var utc = at.UtcDateTime;
        ReadOnlySpan<byte> time = [(byte)(utc.Year - 1900), (byte)utc.Month, (byte)utc.Day, (byte)utc.Hour, (byte)utc.Minute, (byte)utc.Second, 0];
        time.CopyTo(entry[18..]);
        entry[25] = (byte)(folder ? 2 : 0);
        Both16(entry[28..], 1);
        entry[32] = (byte)id.Length;
        id.CopyTo(entry[33..]);
        return size;
    }

    private static void Text(Span<byte> field, string text, bool joliet)
    {
        if (!joliet)
        {
            field.Fill((byte)' ');
            Encoding.ASCII.GetBytes(text, field);
            return;
        }
        Encoding.BigEndianUnicode.GetBytes(text.PadRight(field.Length / 2), field);
    }

    private static void Time(Span<byte> field, DateTimeOffset? at) =>
        Encoding.ASCII.GetBytes(at is { } time ? time.UtcDateTime.ToString("yyyyMMddHHmmss00", CultureInfo.InvariantCulture) : new string('0', 16), field);

    private static void Both32(Span<byte> field, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(field, value);
        BinaryPrimitives.WriteInt32BigEndian(field[4..], value);
    }

    private static void Both16(Span<byte> field, short value)
    {
        BinaryPrimitives.WriteInt16LittleEndian(field, value);
        BinaryPrimitives.WriteInt16BigEndian(field[2..], value);
    }
}
