using System.Buffers.Binary;
using System.Text;

namespace Quarterdeck.Restores.Files;

/// <summary>The file VM said what it must not, or nothing: it is ended, since a file system may have taken it over.</summary>
internal sealed class GuestFault(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A volume as the file VM found it.</summary>
internal sealed record GuestVolume(ushort Index, string Id, string Disk, string Type, string Label, long SizeBytes, string Why);

/// <summary>An entry as the file VM told it. <paramref name="Name"/> is one name, or a path of them below where a search began.</summary>
internal sealed record GuestEntry(EntryKind Kind, bool Lost, int Mode, uint Owner, uint Group, long SizeBytes, long Modified, ulong Inode, ulong Device, byte[] Name, byte[] Target);

/// <summary>Reads the file VM's answers, which are trusted in nothing.</summary>
internal ref struct GuestAnswers(ReadOnlySpan<byte> bytes)
{
    private const int LongestName = 4096;
    private ReadOnlySpan<byte> _left = bytes;

    /// <summary>Whether there is more.</summary>
    public readonly bool More => _left.Length > 0;

    /// <summary>A byte.</summary>
    public byte Byte() => Take(1)[0];

    /// <summary>A volume.</summary>
    public GuestVolume Volume(ushort index)
    {
        var (id, disk, type, label, size, why) = (Word(), Word(), Word(), NameText.From(Text()), Long(), Word());
        return id.Length > 0 && size >= 0 ? new GuestVolume(index, id, disk, type, label, size, why) : throw new GuestFault("A volume has no name, or a wrong size.");
    }

    /// <summary>An entry of a folder, or with <paramref name="below"/> one that was found.</summary>
    public GuestEntry Entry(bool below)
    {
        var kind = Byte();
        var (mode, owner, group, size, modified, inode, device) = (Number(), Number(), Number(), Long(), Long(), (ulong)Long(), (ulong)Long());
        var (name, target) = (Text().ToArray(), Text().ToArray());
        if (kind > 4 || size < 0 || mode > 4095) throw new GuestFault("An entry is none.");
        if (!IsName(name, below)) throw new GuestFault($"'{NameText.From(name)}' is no name of a file.");
        return new GuestEntry(kind == 4 ? EntryKind.Other : (EntryKind)kind, kind == 4, (int)mode, owner, group, size, modified, inode, device, name, target);
    }

    private static bool IsName(ReadOnlySpan<byte> name, bool below)
    {
        if (!below) return IsOne(name);
        foreach (var part in name.Split((byte)'/'))
            if (!IsOne(name[part])) return false;
        return true;
    }

    private static bool IsOne(ReadOnlySpan<byte> name) => name.Length > 0 && !name.ContainsAny((byte)0, (byte)'/') && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8);

    private uint Number() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    private long Long() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    private ReadOnlySpan<byte> Text()
    {
        var length = BinaryPrimitives.ReadUInt16BigEndian(Take(2));
        return length <= LongestName ? Take(length) : throw new GuestFault("A name is too long.");
    }

    // What goes into addresses: the guest's volume names are letters, digits and few signs.
    private string Word()
    {
        var text = Encoding.ASCII.GetString(Text());
        return text.All(c => char.IsAsciiLetterOrDigit(c) || "_.+-/".Contains(c, StringComparison.Ordinal)) ? text : throw new GuestFault("A volume's name has other signs than letters, digits and _ . + - /.");
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _left.Length) throw new GuestFault("The answer ends too early.");
        var taken = _left[..length];
        _left = _left[length..];
        return taken;
    }
}
