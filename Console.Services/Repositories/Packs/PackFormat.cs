using System.Buffers.Binary;

namespace Quarterdeck.Repositories.Packs;

/// <summary>What a record holds.</summary>
internal enum RecordKind { Data, Node }

/// <summary>How a record's content is written.</summary>
internal enum RecordCoding { Plain, Zstd }

/// <summary>Where a record is within its pack, and what it takes there without its header.</summary>
internal readonly record struct RecordPlace(int Offset, int Stored, RecordKind Kind, RecordCoding Coding)
{
    private const int StoredBits = 20;

    /// <summary>Length, kind and coding as indexes and tables of contents keep them.</summary>
    public uint Info => (uint)Stored | (uint)Kind << 30 | (uint)Coding << 31;

    public static RecordPlace From(uint offset, uint info) => new((int)offset, (int)(info & (1u << StoredBits) - 1), (RecordKind)(info >> 30 & 1), (RecordCoding)(info >> 31));

    /// <summary>Bytes in the pack, header included.</summary>
    public int Length => PackFormat.RecordHeader + Stored;
}

/// <summary>A record as a table of contents lists it.</summary>
internal readonly record struct RecordEntry(ChunkId Id, RecordPlace Place);

/// <summary>The fixed parts of a pack; docs/formats/backup-repository.md is the specification.</summary>
internal static class PackFormat
{
    public const int Header = 40, RecordHeader = 44, TableEntry = 40, Trailer = 48, MaxRaw = Repository.ChunkSize;

    public static ReadOnlySpan<byte> Magic => "QDPACK1\0"u8;

    public static ReadOnlySpan<byte> EndMagic => "QDPKEND1"u8;

    public static void WriteHeader(Span<byte> into, Guid repository, Guid pack)
    {
        Magic.CopyTo(into);
        repository.TryWriteBytes(into[8..], bigEndian: true, out _);
        pack.TryWriteBytes(into[24..], bigEndian: true, out _);
    }

    public static bool IsHeader(ReadOnlySpan<byte> header, Guid repository, Guid pack)
    {
        Span<byte> expected = stackalloc byte[Header];
        WriteHeader(expected, repository, pack);
        return header.SequenceEqual(expected);
    }

    public static void WriteRecordHeader(Span<byte> into, ChunkId id, int stored, int raw, RecordKind kind, RecordCoding coding)
    {
        id.CopyTo(into);
        BinaryPrimitives.WriteUInt32LittleEndian(into[32..], (uint)stored);
        BinaryPrimitives.WriteUInt32LittleEndian(into[36..], (uint)raw);
        into[40] = (byte)kind;
        into[41] = (byte)coding;
        into[42] = into[43] = 0;
    }

    /// <summary>Reads a record's header; false when it cannot be one.</summary>
    public static bool TryReadRecordHeader(ReadOnlySpan<byte> from, out ChunkId id, out int raw, out RecordPlace place)
    {
        id = ChunkId.From(from);
        var stored = BinaryPrimitives.ReadUInt32LittleEndian(from[32..]);
        var size = BinaryPrimitives.ReadUInt32LittleEndian(from[36..]);
        (raw, place) = ((int)size, new RecordPlace(0, (int)stored, (RecordKind)from[40], (RecordCoding)from[41]));
        return stored <= MaxRaw + Crypto.Seal.TagSize && size is > 0 and <= MaxRaw && from[40] <= 1 && from[41] <= 1 && from[42] == 0 && from[43] == 0;
    }

    public static void WriteTableEntry(Span<byte> into, RecordEntry entry)
    {
        entry.Id.CopyTo(into);
        BinaryPrimitives.WriteUInt32LittleEndian(into[32..], (uint)entry.Place.Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(into[36..], entry.Place.Info);
    }

    public static RecordEntry ReadTableEntry(ReadOnlySpan<byte> from) =>
        new(ChunkId.From(from), RecordPlace.From(BinaryPrimitives.ReadUInt32LittleEndian(from[32..]), BinaryPrimitives.ReadUInt32LittleEndian(from[36..])));

    public static void WriteTrailer(Span<byte> into, ReadOnlySpan<byte> mac, int count, int tableOffset)
    {
        mac.CopyTo(into);
        BinaryPrimitives.WriteUInt32LittleEndian(into[32..], (uint)count);
        BinaryPrimitives.WriteUInt32LittleEndian(into[36..], (uint)tableOffset);
        EndMagic.CopyTo(into[40..]);
    }

    /// <summary>Reads the last bytes of a pack; false when they are not a trailer of a pack of that size.</summary>
    public static bool TryReadTrailer(ReadOnlySpan<byte> trailer, long packSize, out int count, out int tableOffset)
    {
        count = (int)BinaryPrimitives.ReadUInt32LittleEndian(trailer[32..]);
        tableOffset = (int)BinaryPrimitives.ReadUInt32LittleEndian(trailer[36..]);
        return trailer[40..].SequenceEqual(EndMagic) && count > 0 && tableOffset >= Header && tableOffset + (long)count * TableEntry + Trailer == packSize;
    }
}
