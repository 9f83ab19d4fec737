using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Packs;

namespace Quarterdeck.Repositories.Chunks;

/// <summary>A pack as an index lists it.</summary>
internal readonly record struct IndexedPack(Guid Id, long Size);

/// <summary>One index: packs, and records sorted by id. Read in place from memory or from a mapped file, so that a large one takes page cache and not heap.</summary>
internal sealed unsafe class IndexFile
{
    public const int Header = 32, PackSize = 24, EntrySize = 44, Trailer = Seal.MacSize;
    private readonly byte[]? _bytes;
    // Never unmapped by hand: a search may be under way on another thread. The finaliser does it.
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _mapped;
    private readonly long _entriesAt;

    private IndexFile(Guid id, byte[]? bytes, MemoryMappedViewAccessor? view, byte* mapped)
    {
        (Id, _bytes, _view) = (id, bytes, view);
        _mapped = mapped;
        var header = Bytes(0, Header);
        var packs = new IndexedPack[BinaryPrimitives.ReadUInt32LittleEndian(header[24..])];
        Count = (int)BinaryPrimitives.ReadUInt32LittleEndian(header[28..]);
        for (var i = 0; i < packs.Length; i++)
        {
            var pack = Bytes(Header + (long)i * PackSize, PackSize);
            packs[i] = new IndexedPack(new Guid(pack[..16], bigEndian: true), BinaryPrimitives.ReadInt64LittleEndian(pack[16..]));
        }
        Packs = packs;
        _entriesAt = Header + (long)packs.Length * PackSize;
    }

    public static ReadOnlySpan<byte> Magic => "QDINDEX1"u8;

    public Guid Id { get; }

    public IReadOnlyList<IndexedPack> Packs { get; }

    public int Count { get; }

    /// <summary>Opens an index in memory; null when it is damaged or another repository's.</summary>
    public static IndexFile? Open(Guid id, byte[] bytes, Guid repository, Seal seal)
    {
        using var mac = seal.NewMac();
        if (bytes.Length < Header + Trailer) return null;
        mac.AppendData(bytes.AsSpan(0, bytes.Length - Trailer));
        return IsSound(bytes, bytes.Length, bytes.AsSpan(bytes.Length - Trailer), mac.GetHashAndReset(), repository) ? new IndexFile(id, bytes, null, null) : null;
    }

    /// <summary>Maps an index that is a file here; null when it is damaged or another repository's.</summary>
    public static IndexFile? Map(Guid id, string path, Guid repository, Seal seal)
    {
        var length = new FileInfo(path).Length;
        if (length < Header + Trailer) return null;
        using var file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        var view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        byte* at = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref at);
        using var mac = seal.NewMac();
        for (long done = 0; done < length - Trailer;)
        {
            var part = (int)Math.Min(1 << 20, length - Trailer - done);
            mac.AppendData(new ReadOnlySpan<byte>(at + done, part));
            done += part;
        }
        if (IsSound(new ReadOnlySpan<byte>(at, Header), length, new ReadOnlySpan<byte>(at + length - Trailer, Trailer), mac.GetHashAndReset(), repository)) return new IndexFile(id, null, view, at);
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        return null;
    }

    private static bool IsSound(ReadOnlySpan<byte> header, long length, ReadOnlySpan<byte> trailer, byte[] mac, Guid repository) =>
        header[..8].SequenceEqual(Magic) && new Guid(header.Slice(8, 16), bigEndian: true) == repository && trailer.SequenceEqual(mac)
        && Header + (long)BinaryPrimitives.ReadUInt32LittleEndian(header[24..]) * PackSize + (long)BinaryPrimitives.ReadUInt32LittleEndian(header[28..]) * EntrySize + Trailer == length;

    private ReadOnlySpan<byte> Bytes(long offset, int length) => _bytes is not null ? _bytes.AsSpan((int)offset, length) : new ReadOnlySpan<byte>(_mapped + offset, length);

    /// <summary>The id of an entry.</summary>
    public ChunkId IdAt(int entry) => ChunkId.From(Bytes(_entriesAt + (long)entry * EntrySize, ChunkId.Size));

    /// <summary>Where an entry's record is: the pack's place in <see cref="Packs"/>, and the record's within it.</summary>
    public (int Pack, RecordPlace Place) PlaceAt(int entry)
    {
        var bytes = Bytes(_entriesAt + (long)entry * EntrySize + ChunkId.Size, EntrySize - ChunkId.Size);
        return ((int)BinaryPrimitives.ReadUInt32LittleEndian(bytes), RecordPlace.From(BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..])));
    }

    /// <summary>The first entry that is not below an id; <see cref="Count"/> when all are.</summary>
    /// <remarks>Ids are spread evenly, so that guessing by proportion finds the place in a few steps; halving bounds what an unlucky spread can cost.</remarks>
    public int LowerBound(ChunkId id)
    {
        int low = 0, high = Count;
        ulong lowKey = 0, highKey = ulong.MaxValue;
        for (var step = 0; low < high; step++)
        {
            var middle = step < 6 && highKey > lowKey && id.Prefix >= lowKey && id.Prefix <= highKey
                ? low + (int)Math.Min(high - low - 1, (double)(id.Prefix - lowKey) / (highKey - lowKey) * (high - low))
                : low + (high - low) / 2;
            var found = IdAt(middle);
            if (found.CompareTo(id) < 0) (low, lowKey) = (middle + 1, found.Prefix);
            else (high, highKey) = (middle, found.Prefix);
        }
        GC.KeepAlive(_view);
        return low;
    }
}
