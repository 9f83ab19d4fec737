using System.Buffers;
using System.Collections.Concurrent;
using Quarterdeck.Repositories.Coding;
using Quarterdeck.Repositories.Objects;

namespace Quarterdeck.Repositories.Packs;

/// <summary>Reads records and tables of contents out of packs.</summary>
internal sealed class PackReader(IObjectStore store, Guid repository, RecordCoder coder)
{
    private readonly ConcurrentDictionary<Guid, byte[]?> _keys = [];
    private long _read;

    /// <summary>Bytes read from packs so far.</summary>
    public long ReadBytes => Volatile.Read(ref _read);

    public byte[]? Key(Guid pack) => coder.Seal.Encrypts ? _keys.GetOrAdd(pack, coder.Seal.PackKey) : null;

    /// <summary>Reads one record and checks it; its length, or -1 when it is missing or damaged.</summary>
    public async Task<int> ReadAsync(Guid pack, RecordEntry entry, Memory<byte> into, CancellationToken cancellation)
    {
        var record = ArrayPool<byte>.Shared.Rent(entry.Place.Length);
        try
        {
            var read = await store.ReadAsync(Names.Pack(pack), entry.Place.Offset, record.AsMemory(0, entry.Place.Length), cancellation);
            Interlocked.Add(ref _read, Math.Max(0, read));
            return read < entry.Place.Length ? -1 : coder.Read(record.AsSpan(0, read), entry, Key(pack), into.Span);
        }
        finally { ArrayPool<byte>.Shared.Return(record); }
    }

    /// <summary>Lists a pack's records from its table of contents or, when that is damaged, by walking the records; null when not even that works.</summary>
    public IReadOnlyList<RecordEntry>? Table(Guid pack, ReadOnlySpan<byte> bytes, out bool sound)
    {
        sound = false;
        if (bytes.Length < PackFormat.Header + PackFormat.Trailer || !PackFormat.IsHeader(bytes[..PackFormat.Header], repository, pack)) return null;
        var entries = new List<RecordEntry>();
        var trailer = bytes[^PackFormat.Trailer..];
        if (PackFormat.TryReadTrailer(trailer, bytes.Length, out var count, out var at))
        {
            var table = bytes.Slice(at, count * PackFormat.TableEntry);
            if (PackBuffer.TableMac(coder.Seal, bytes[..PackFormat.Header], table).AsSpan().SequenceEqual(trailer[..32]))
            {
                sound = true;
                for (var i = 0; i < count; i++) entries.Add(PackFormat.ReadTableEntry(table[(i * PackFormat.TableEntry)..]));
                return entries;
            }
        }
        for (var offset = PackFormat.Header; offset + PackFormat.RecordHeader <= bytes.Length;)
        {
            if (!PackFormat.TryReadRecordHeader(bytes[offset..], out var id, out _, out var place) || offset + place.Length > bytes.Length) break;
            entries.Add(new RecordEntry(id, place with { Offset = offset }));
            offset += place.Length;
        }
        return entries;
    }
}
