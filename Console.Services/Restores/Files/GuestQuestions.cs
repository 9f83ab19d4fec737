using System.Buffers.Binary;

namespace Quarterdeck.Restores.Files;

/// <summary>Writes what the file VM is asked.</summary>
internal static class GuestQuestions
{
    /// <summary>Which volumes there are.</summary>
    public static byte[] Volumes() => [(byte)'V'];

    /// <summary>Entries of a folder from one on.</summary>
    public static byte[] List(ushort volume, byte[] path, int skip, int most) => Put('L', volume, [path], [], skip, most);

    /// <summary>Entries whose name has a part.</summary>
    public static byte[] Find(ushort volume, byte[] path, byte[] part, bool below, int most, int visits, int seconds) => Put('F', volume, [path, part], [(byte)(below ? 1 : 0)], most, visits, seconds);

    /// <summary>One entry.</summary>
    public static byte[] Stat(ushort volume, byte[] path) => Put('S', volume, [path], []);

    /// <summary>Content of a file.</summary>
    public static byte[] Read(ushort volume, byte[] path, long offset, int length)
    {
        var at = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(at, offset);
        return Put('R', volume, [path], at, length);
    }

    private static byte[] Put(char operation, ushort volume, byte[][] texts, byte[] more, params ReadOnlySpan<int> numbers)
    {
        using var written = new MemoryStream();
        Span<byte> number = stackalloc byte[4];
        written.WriteByte((byte)operation);
        Short(volume, number);
        foreach (var text in texts)
        {
            Short((ushort)text.Length, number);
            written.Write(text);
        }
        written.Write(more);
        foreach (var value in numbers)
        {
            BinaryPrimitives.WriteInt32BigEndian(number, value);
            written.Write(number);
        }
        return written.ToArray();

        void Short(ushort value, Span<byte> space)
        {
            BinaryPrimitives.WriteUInt16BigEndian(space, value);
            written.Write(space[..2]);
        }
    }
}
