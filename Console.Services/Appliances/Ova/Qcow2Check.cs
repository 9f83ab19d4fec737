using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Walks through every table of a qcow2 image: each cluster lies in the file, has one use, and is counted. Counts of what nothing uses are corrected.</summary>
/// <param name="file">The file's name, for refusals.</param>
/// <param name="header">Its header.</param>
/// <param name="image">The image, whole clusters long.</param>
internal sealed class Qcow2Check(string file, Qcow2Header header, SafeFileHandle image)
{
    private const long MaxClusters = 32 << 20;
    private const ushort Sole = 0x8000;
    private const ulong Offset = 0x00ff_ffff_ffff_fe00, Copied = 1UL << 63, Packed = 1UL << 62;
    private readonly long _length = RandomAccess.GetLength(image);
    private ushort[] _uses = [];

    public void Run()
    {
        var clusters = _length >> header.ClusterBits;
        if (clusters > MaxClusters) throw Refusal.Of(file, $"it has {clusters} clusters, more than the {MaxClusters} that are taken.", "Convert it with larger clusters: qemu-img convert -O qcow2 -o cluster_size=2M.");
        _uses = new ushort[clusters];
        UseSolely(0, 1, "header");
        UseSolely(header.FirstOffset, (header.FirstEntries * 8L + header.Cluster - 1) >> header.ClusterBits, "first-level table");
        UseSolely(header.CountsOffset, header.CountsClusters, "table of reference counts");
        foreach (var entry in Entries(header.FirstOffset, header.FirstEntries))
        {
            if (entry == 0) continue;
            if ((entry & ~(Copied | Offset)) != 0 || (entry & Copied) == 0 || (entry & Offset) == 0) throw Refusal.Of(file, "an entry of its first-level table is damaged.");
            UseSolely((long)(entry & Offset), 1, "second-level table");
            foreach (var cluster in Entries((long)(entry & Offset), header.Cluster / 8)) Data(cluster);
        }
        Counts();
    }

    private void Data(ulong entry)
    {
        if (entry == 0) return;
        if ((entry & Packed) != 0)
        {
            var split = 62 - (header.ClusterBits - 8);
            var start = (long)(entry & ((1UL << split) - 1));
            var sectors = (long)((entry & (Packed - 1)) >> split) + 1;
            if ((entry & Copied) != 0) throw Refusal.Of(file, "a packed cluster of it is marked as a plain one.");
            UseTogether(start, (start & ~511L) + sectors * 512);
            return;
        }
        var zero = (entry & 1) != 0 && header.Version == 3;
        if ((entry & ~(Copied | Offset | (zero ? 1UL : 0UL))) != 0) throw Refusal.Of(file, "an entry of a second-level table is damaged.");
        if ((entry & Offset) == 0 ? (entry & Copied) != 0 : (entry & Copied) == 0) throw Refusal.Of(file, "an entry of a second-level table contradicts itself.");
        if ((entry & Offset) != 0) UseSolely((long)(entry & Offset), 1, "data cluster");
    }

    private void UseSolely(long offset, long count, string what)
    {
        if (offset % header.Cluster != 0 || offset < 0 || (offset >> header.ClusterBits) + count > _uses.Length) throw Refusal.Of(file, $"its {what} at byte {offset} points outside the file or between clusters.");
        for (var i = offset >> header.ClusterBits; count > 0; i++, count--)
        {
            if (_uses[i] != 0) throw Refusal.Of(file, $"its {what} at byte {offset} lies where something else lies.");
            _uses[i] = Sole;
        }
    }

    /// <summary>Packed clusters share the clusters that they lie in, and each counts.</summary>
    private void UseTogether(long start, long end)
    {
        var last = (end - 1) >> header.ClusterBits;
        if (start <= 0 || start >= _length || last >= _uses.Length || last - (start >> header.ClusterBits) > 2) throw Refusal.Of(file, $"a packed cluster of it at byte {start} points outside the file.");
        for (var i = start >> header.ClusterBits; i <= last; i++)
        {
            if (_uses[i] >= Sole - 1) throw Refusal.Of(file, $"a packed cluster of it at byte {start} lies where something else lies.");
            _uses[i]++;
        }
    }

    private IEnumerable<ulong> Entries(long offset, int count)
    {
        var buffer = new byte[Math.Min(count * 8L, 64 << 10)];
        for (var left = count * 8L; left > 0; left -= buffer.Length, offset += buffer.Length)
        {
            var here = (int)Math.Min(buffer.Length, left);
            Fill(buffer.AsSpan(0, here), offset);
            for (var i = 0; i < here; i += 8) yield return BinaryPrimitives.ReadUInt64BigEndian(buffer.AsSpan(i));
        }
    }

    private void Fill(Span<byte> buffer, long offset)
    {
        for (int read; buffer.Length > 0; buffer = buffer[read..], offset += read)
            if ((read = RandomAccess.Read(image, buffer, offset)) == 0) throw Refusal.Of(file, $"a table of it at byte {offset} points outside the file.");
    }

    private void Counts()
    {
        var blocks = Entries(header.CountsOffset, header.CountsClusters * (header.Cluster / 8)).ToArray();
        foreach (var block in blocks)
            if (block != 0) UseSolely((long)(block & ~511UL), 1, "block of reference counts");
        var perBlock = (long)header.Cluster * 8 >> header.CountsOrder;
        var bytes = new byte[header.Cluster];
        for (var b = 0L; b * perBlock < _uses.Length || b < blocks.Length; b++)
        {
            var here = b < blocks.Length ? blocks[b] : 0;
            var (from, to) = (b * perBlock, Math.Min((b + 1) * perBlock, _uses.Length));
            if (here == 0)
            {
                for (var i = from; i < to; i++) if (_uses[i] != 0) throw Uncounted(i);
                continue;
            }
            Fill(bytes, (long)here);
            var changed = false;
            for (var i = from; i < (b + 1) * perBlock; i++)
            {
                var (stored, used) = (CountBits.Get(bytes, i - from, header.CountsOrder), i < _uses.Length ? Used(i) : 0);
                if (stored < used) throw Uncounted(i);
                if (stored == used) continue;
                CountBits.Set(bytes, i - from, header.CountsOrder, used);
                changed = true;
            }
            if (changed) RandomAccess.Write(image, bytes, (long)here);
        }
    }

    private ulong Used(long cluster) => _uses[cluster] == Sole ? 1UL : _uses[cluster];

    private Platform.ProblemException Uncounted(long cluster) => Refusal.Of(file, $"its cluster {cluster} is used, but its reference counts say that it is free.", "Repair it: qemu-img check -r all.");
}
