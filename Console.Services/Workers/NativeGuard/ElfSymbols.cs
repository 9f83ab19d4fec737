using System.Buffers.Binary;
using System.Text;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.NativeGuard;

/// <summary>Reads addresses out of the symbol table of a 64-bit little-endian ELF file.</summary>
internal static class ElfSymbols
{
    private const int SymbolTable = 2, SectionSize = 64, EntrySize = 24;

    /// <summary>The addresses of all <paramref name="names"/>, in their order; Invalid when one is missing or the file has no symbols.</summary>
    public static Result<IReadOnlyList<ulong>> Find(FileStream file, IReadOnlyList<string> names)
    {
        var header = Read(file, 0, 64);
        if (header is null || BinaryPrimitives.ReadUInt64LittleEndian(header) != 0x00010102464C457F) return Missing("It is no 64-bit ELF file.");
        var sectionsAt = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(40));
        var count = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(60));
        if (Read(file, sectionsAt, count * SectionSize) is not { } sections) return Missing("Its section table is cut off.");
        for (var i = 0; i < count; i++)
        {
            var section = sections.AsSpan(i * SectionSize, SectionSize);
            if (BinaryPrimitives.ReadInt32LittleEndian(section[4..]) != SymbolTable) continue;
            var link = BinaryPrimitives.ReadInt32LittleEndian(section[40..]);
            if (link >= count || Body(file, section) is not { } entries || Body(file, sections.AsSpan(link * SectionSize, SectionSize)) is not { } strings) return Missing("Its symbol table is cut off.");
            return Pick(entries, strings, names);
        }
        return Missing("It was stripped of its symbols.");
    }

    private static Result<IReadOnlyList<ulong>> Pick(byte[] entries, byte[] strings, IReadOnlyList<string> names)
    {
        var wanted = names.Select((name, index) => (Name: Encoding.ASCII.GetBytes(name), Index: index)).ToLookup(name => name.Name.Length, name => name);
        var found = new ulong[names.Count];
        for (var at = 0; at + EntrySize <= entries.Length; at += EntrySize)
        {
            var name = BinaryPrimitives.ReadUInt32LittleEndian(entries.AsSpan(at));
            if (name >= strings.Length) continue;
            var text = strings.AsSpan((int)name);
            if (text is not [(byte)'_', (byte)'Z', (byte)'N', ..]) continue;
            text = text[..Math.Max(0, text.IndexOf((byte)0))];
            foreach (var candidate in wanted[text.Length])
                if (text.SequenceEqual(candidate.Name)) found[candidate.Index] = BinaryPrimitives.ReadUInt64LittleEndian(entries.AsSpan(at + 8));
        }
        return Array.IndexOf(found, 0ul) is var missing and >= 0 ? Missing($"The symbol {names[missing]} is missing.") : found;
    }

    private static byte[]? Body(FileStream file, ReadOnlySpan<byte> section)
    {
        var (at, size) = (BinaryPrimitives.ReadInt64LittleEndian(section[24..]), BinaryPrimitives.ReadInt64LittleEndian(section[32..]));
        return size is >= 0 and < int.MaxValue ? Read(file, at, (int)size) : null;
    }

    private static byte[]? Read(FileStream file, long at, int size)
    {
        if (at < 0 || at + size > file.Length) return null;
        var bytes = new byte[size];
        file.Position = at;
        file.ReadExactly(bytes);
        return bytes;
    }

    private static Problem Missing(string what) => Problem.Invalid("workerd", what, "Use the workerd that build/ restores from npm.");
}
