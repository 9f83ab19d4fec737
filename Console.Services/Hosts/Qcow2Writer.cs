using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Quarterdeck.Platform.Interop;

namespace Quarterdeck.Hosts;

/// <summary>Writes a new qcow2 image (version 3, 64 KiB clusters): data in the order it comes, each cluster once, tables behind it, the header last.</summary>
/// <remarks>
/// Several threads may write different clusters at once. A killed writer leaves a file without a header, which nothing takes for a disk.
/// Memory stays flat: of the second-level tables only a few are held. As clusters are only appended, every reference count is one.
/// </remarks>
public sealed class Qcow2Writer : IDisposable
{
    /// <summary>Bytes of a cluster.</summary>
    public const int Cluster = 1 << 16;
    private const int Entries = Cluster / 8;
    private const ulong Copied = 1UL << 63;

    private readonly SafeFileHandle _file;
    private readonly int _held;
    private readonly long _capacity;
    private readonly ulong[] _first;
    private readonly Dictionary<int, ulong[]> _second = [];
    private readonly Queue<int> _order = new();
    private readonly Lock _lock = new();
    private readonly WriteBack _writeBack;
    private long _end;

    /// <summary>Begins an image.</summary>
    /// <param name="path">The file; what it holds is lost, who owns it stays.</param>
    /// <param name="capacity">Size as the guest sees it, in bytes; rounded up to whole sectors.</param>
    /// <param name="held">Second-level tables held in memory, 64 KiB each; each covers 512 MiB of the disk.</param>
    public Qcow2Writer(string path, long capacity, int held = 64)
    {
        _held = held;
        _capacity = (capacity + 511) & ~511L;
        _first = new ulong[(_capacity + (long)Cluster * Entries - 1) / ((long)Cluster * Entries)];
        _end = Cluster + Align(_first.Length * 8L);
        _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, FileOptions.Asynchronous);
        RandomAccess.SetLength(_file, 0);
        _writeBack = new WriteBack(_file);
    }

    /// <summary>Writes data that begins at a cluster, or lies within one. Zeros are not written: what was never written reads as zeros.</summary>
    /// <returns>False when a whole cluster was written before.</returns>
    public bool Write(long offset, ReadOnlySpan<byte> data)
    {
        if (offset < 0 || offset + data.Length > _capacity) throw new ArgumentOutOfRangeException(nameof(offset));
        while (data.Length > 0)
        {
            var within = (int)(offset % Cluster);
            var part = data[..Math.Min(data.Length, Cluster - within)];
            if (part.ContainsAnyExcept((byte)0))
            {
                var (place, isNew) = Place(offset / Cluster);
                if (!isNew && part.Length == Cluster) return false;
                RandomAccess.Write(_file, part, place + within);
                _writeBack.Reached(place);
            }
            offset += part.Length;
            data = data[part.Length..];
        }
        return true;
    }

    private (long Place, bool IsNew) Place(long cluster)
    {
        lock (_lock)
        {
            var table = Table((int)(cluster / Entries));
            ref var entry = ref table[cluster % Entries];
            if (entry != 0) return ((long)(entry & ~Copied), false);
            var place = Take(1);
            entry = (ulong)place | Copied;
            return (place, true);
        }
    }

    private ulong[] Table(int index)
    {
        if (_second.TryGetValue(index, out var table)) return table;
        if (_second.Count >= _held) Spill(_order.Dequeue());
        table = new ulong[Entries];
        if (_first[index] == 0) _first[index] = (ulong)Take(1) | Copied;
        else ReadTable((long)(_first[index] & ~Copied), table);
        _second.Add(index, table);
        _order.Enqueue(index);
        return table;
    }

    private void Spill(int index)
    {
        WriteTable((long)(_first[index] & ~Copied), _second[index]);
        _second.Remove(index);
    }

    private long Take(long clusters)
    {
        var place = _end;
        _end += clusters * Cluster;
        return place;
    }

    /// <summary>Writes tables and header, and waits until all is on the disk.</summary>
    public void Finish()
    {
        while (_order.TryDequeue(out var index)) Spill(index);
        WriteTable(Cluster, _first);
        // The reference counts count themselves, too: 16 bits a cluster, so a block of 64 KiB counts 32768 clusters.
        var data = _end / Cluster;
        long blocks = 0, tableClusters = 0, total;
        do
        {
            total = data + blocks + tableClusters;
            (blocks, tableClusters) = ((total + Cluster / 2 - 1) / (Cluster / 2), Math.Max(1, (blocks * 8 + Cluster - 1) / Cluster));
        }
        while (data + blocks + tableClusters != total);
        var firstBlock = Take(blocks);
        var table = Take(tableClusters);
        var ones = new byte[Cluster];
        for (long block = 0, left = total; block < blocks; block++, left -= Cluster / 2)
        {
            var here = (int)Math.Min(left, Cluster / 2);
            ones.AsSpan().Clear();
            for (var i = 0; i < here; i++) ones[2 * i + 1] = 1;
            RandomAccess.Write(_file, ones, firstBlock + block * Cluster);
        }
        var pointers = new ulong[blocks];
        for (var i = 0; i < pointers.Length; i++) pointers[i] = (ulong)(firstBlock + (long)i * Cluster);
        WriteTable(table, pointers);
        RandomAccess.SetLength(_file, _end);
        RandomAccess.Write(_file, Header(table, (uint)tableClusters), 0);
        RandomAccess.FlushToDisk(_file);
    }

    private byte[] Header(long refcountTable, uint refcountClusters)
    {
        var header = new byte[112];
        var h = header.AsSpan();
        BinaryPrimitives.WriteUInt32BigEndian(h, 0x514649fb);
        BinaryPrimitives.WriteUInt32BigEndian(h[4..], 3);
        BinaryPrimitives.WriteUInt32BigEndian(h[20..], 16);
        BinaryPrimitives.WriteInt64BigEndian(h[24..], _capacity);
        BinaryPrimitives.WriteUInt32BigEndian(h[36..], (uint)_first.Length);
        BinaryPrimitives.WriteInt64BigEndian(h[40..], Cluster);
        BinaryPrimitives.WriteInt64BigEndian(h[48..], refcountTable);
        BinaryPrimitives.WriteUInt32BigEndian(h[56..], refcountClusters);
        BinaryPrimitives.WriteUInt32BigEndian(h[96..], 4);
        BinaryPrimitives.WriteUInt32BigEndian(h[100..], 104);
        return header;
    }

    private void WriteTable(long place, ulong[] table)
    {
        var bytes = new byte[table.Length * 8];
        for (var i = 0; i < table.Length; i++) BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(i * 8), table[i]);
        RandomAccess.Write(_file, bytes, place);
    }

    private void ReadTable(long place, ulong[] table)
    {
        var bytes = new byte[table.Length * 8];
        if (RandomAccess.Read(_file, bytes, place) != bytes.Length) throw new IOException("A table of the image could not be read back.");
        for (var i = 0; i < table.Length; i++) table[i] = BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(i * 8));
    }

    private static long Align(long bytes) => (bytes + Cluster - 1) / Cluster * Cluster;

    /// <summary>Closes the file; without <see cref="Finish"/> it is no image.</summary>
    public void Dispose()
    {
        _writeBack.Dispose();
        _file.Dispose();
    }
}
