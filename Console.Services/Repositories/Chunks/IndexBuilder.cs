using System.Buffers.Binary;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Packs;

namespace Quarterdeck.Repositories.Chunks;

/// <summary>Collects packs and writes them as one sorted index.</summary>
internal sealed class IndexBuilder(Guid repository, Seal seal)
{
    /// <summary>Entries of an index at most: it must fit into memory while it is written.</summary>
    public const int MaxEntries = 1 << 20;

    private readonly List<IndexedPack> _packs = [];
    private readonly HashSet<Guid> _known = [];
    private readonly List<(ChunkId Id, uint Pack, RecordPlace Place)> _entries = [];

    public int Count => _entries.Count;

    public bool IsEmpty => _packs.Count == 0;

    /// <summary>Adds a pack with its records.</summary>
    public void Add(IndexedPack pack, IEnumerable<RecordEntry> records)
    {
        if (!_known.Add(pack.Id)) return;
        var ordinal = (uint)_packs.Count;
        _packs.Add(pack);
        foreach (var record in records) _entries.Add((record.Id, ordinal, record.Place));
    }

    /// <summary>Adds the packs of an index that are wanted.</summary>
    public void Add(IndexFile index, Func<Guid, bool> wanted)
    {
        var ordinals = new int[index.Packs.Count];
        for (var i = 0; i < ordinals.Length; i++)
        {
            // Two indexes may list one pack, when a session and a collect have merged at the same time.
            ordinals[i] = wanted(index.Packs[i].Id) && _known.Add(index.Packs[i].Id) ? _packs.Count : -1;
            if (ordinals[i] >= 0) _packs.Add(index.Packs[i]);
        }
        for (var i = 0; i < index.Count; i++)
        {
            var (pack, place) = index.PlaceAt(i);
            if (pack < ordinals.Length && ordinals[pack] >= 0) _entries.Add((index.IdAt(i), (uint)ordinals[pack], place));
        }
    }

    /// <summary>The bytes of the index.</summary>
    public byte[] Build()
    {
        _entries.Sort((a, b) => a.Id.CompareTo(b.Id) is not 0 and var order ? order : a.Pack != b.Pack ? a.Pack.CompareTo(b.Pack) : a.Place.Offset.CompareTo(b.Place.Offset));
        var bytes = new byte[IndexFile.Header + _packs.Count * IndexFile.PackSize + _entries.Count * IndexFile.EntrySize + IndexFile.Trailer];
        IndexFile.Magic.CopyTo(bytes);
        repository.TryWriteBytes(bytes.AsSpan(8), bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(24), (uint)_packs.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(28), (uint)_entries.Count);
        var at = IndexFile.Header;
        foreach (var pack in _packs)
        {
            pack.Id.TryWriteBytes(bytes.AsSpan(at), bigEndian: true, out _);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at + 16), pack.Size);
            at += IndexFile.PackSize;
        }
        foreach (var (id, pack, place) in _entries)
        {
            var entry = bytes.AsSpan(at);
            id.CopyTo(entry);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[32..], pack);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[36..], (uint)place.Offset);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[40..], place.Info);
            at += IndexFile.EntrySize;
        }
        seal.Mac(bytes.AsSpan(0, at)).CopyTo(bytes, at);
        return bytes;
    }
}
