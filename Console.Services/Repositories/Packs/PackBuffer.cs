using Quarterdeck.Repositories.Crypto;

namespace Quarterdeck.Repositories.Packs;

/// <summary>A pack while it is filled in memory. Places are given out one by one; their bytes may be written by many threads at once.</summary>
internal sealed class PackBuffer(Guid repository, Guid id, PackMemory memory, int target, Seal seal)
{
    private readonly List<RecordEntry> _entries = [];
    private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _used = PackFormat.Header;
    // One for the buffer itself, taken back when it is sealed.
    private int _open = 1;

    public Guid Id => id;

    public PackMemory Memory => memory;

    public byte[]? Key { get; } = seal.PackKey(id);

    public IReadOnlyList<RecordEntry> Entries => _entries;

    /// <summary>Bytes of the finished pack.</summary>
    public int Length { get; private set; }

    /// <summary>Takes room for a record; false when the pack is full. Callers hold the writer's gate.</summary>
    public bool TryReserve(ChunkId chunk, int stored, RecordKind kind, RecordCoding coding, out RecordPlace place)
    {
        place = new RecordPlace(_used, stored, kind, coding);
        if (_entries.Count > 0 && _used + place.Length + (_entries.Count + 1) * PackFormat.TableEntry > target) return false;
        _used += place.Length;
        _entries.Add(new RecordEntry(chunk, place));
        Interlocked.Increment(ref _open);
        return true;
    }

    /// <summary>The bytes of a reserved place were written, or the last place was given out.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _open) == 0) _written.SetResult();
    }

    /// <summary>Waits for the last writer, then adds header, table of contents and trailer.</summary>
    public async Task FinishAsync()
    {
        await _written.Task;
        Close();
    }

    private void Close()
    {
        var bytes = memory.GetSpan();
        PackFormat.WriteHeader(bytes, repository, id);
        var at = _used;
        foreach (var entry in _entries)
        {
            PackFormat.WriteTableEntry(bytes[at..], entry);
            at += PackFormat.TableEntry;
        }
        PackFormat.WriteTrailer(bytes[at..], TableMac(seal, bytes[..PackFormat.Header], bytes[_used..at]), _entries.Count, _used);
        Length = at + PackFormat.Trailer;
    }

    /// <summary>What protects the table of contents, and binds it to its pack and repository.</summary>
    public static byte[] TableMac(Seal seal, ReadOnlySpan<byte> header, ReadOnlySpan<byte> table)
    {
        using var mac = seal.NewMac();
        mac.AppendData(header);
        mac.AppendData(table);
        return mac.GetHashAndReset();
    }

    /// <summary>Room that a pack of that target needs at most: its last record may be one that is larger than the target.</summary>
    public static int Room(int target) => PackFormat.Header + target + PackFormat.RecordHeader + PackFormat.MaxRaw + Seal.TagSize + PackFormat.TableEntry + PackFormat.Trailer;
}
