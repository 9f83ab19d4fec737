using Quarterdeck.Hosts;
using System.Buffers.Binary;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Pours a sparse VMDK in one file. Its tables lie in front of its grains, so that each grain's place is known when it comes by.</summary>
internal static class SparseVmdk
{
    /// <summary>Head with tables of a disk of 256 GiB, twice as usual.</summary>
    private const long MaxHead = 40 << 20;

    public static async Task PourAsync(string file, BufferedReader reader, VmdkHeader header, Qcow2Writer image, CancellationToken cancellation)
    {
        if (header.OverheadBytes > MaxHead) throw Refusal.Of(file, $"its tables take {header.OverheadBytes >> 20} MiB, too much to be read in one pass.", "Convert it: qemu-img convert -O vmdk -o subformat=streamOptimized.");
        var head = new byte[header.OverheadBytes];
        await reader.ExactlyAsync(head, cancellation);
        header.CheckDescriptor(file, head);
        var grains = Grains(file, head, header);
        head = [];
        var grain = new byte[header.GrainBytes];
        var at = header.OverheadBytes;
        foreach (var (sector, index) in grains)
        {
            var offset = index * header.GrainBytes;
            var size = (int)Math.Min(header.GrainBytes, header.CapacityBytes - offset);
            if (sector * VmdkHeader.Sector < at) throw Refusal.Of(file, $"two grains of the disk share the sector {sector}.");
            await reader.SkipAsync(sector * VmdkHeader.Sector - at, cancellation);
            await reader.ExactlyAsync(grain.AsMemory(0, size), cancellation);
            image.Write(offset, grain.AsSpan(0, size));
            at = sector * VmdkHeader.Sector + size;
        }
        // What is left belongs to no grain, or is the rest of the last one.
        while (await reader.SomeAsync(grain, cancellation) > 0) { }
    }

    /// <summary>Every grain that has a place in the file, in the file's order.</summary>
    private static IEnumerable<(long Sector, long Index)> Grains(string file, byte[] head, VmdkHeader header)
    {
        var tables = (header.Grains + VmdkHeader.TableEntries - 1) / VmdkHeader.TableEntries;
        var directory = Slice(head, header.Directory, tables * 4) ?? throw Elsewhere(file, "directory");
        var (found, count) = (new ulong[1024], 0);
        for (var t = 0L; t < tables; t++)
        {
            var at = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(directory + (int)t * 4));
            if (at == 0) continue;
            var table = Slice(head, at, VmdkHeader.TableEntries * 4) ?? throw Elsewhere(file, $"table {t}");
            for (var e = 0; e < VmdkHeader.TableEntries; e++)
            {
                var sector = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(table + 4 * e));
                if (sector == 0 || (sector == 1 && header.HasZeroGrains)) continue;
                var index = t * VmdkHeader.TableEntries + e;
                if (index >= header.Grains) throw Refusal.Of(file, $"a grain in it lies outside the disk (grain {index} of {header.Grains}).");
                if ((long)sector * VmdkHeader.Sector < header.OverheadBytes) throw Refusal.Of(file, $"its table {t} points outside its grains (sector {sector}).");
                // Tables that share their bytes would make more entries than the head has room for.
                if (count >= head.Length / 4) throw Refusal.Of(file, "several of its tables are the same.");
                if (count == found.Length) Array.Resize(ref found, (int)Math.Min(head.Length / 4, count * 2L));
                found[count++] = (ulong)sector << 32 | (uint)index;
            }
        }
        Array.Sort(found, 0, count);
        return found.Take(count).Select(f => ((long)(f >> 32), (long)(uint)f));
    }

    private static int? Slice(byte[] head, ulong sector, long bytes) =>
        sector < (ulong)(head.Length / VmdkHeader.Sector) && (long)sector * VmdkHeader.Sector + bytes <= head.Length ? (int)sector * VmdkHeader.Sector : null;

    private static Platform.ProblemException Elsewhere(string file, string what) =>
        Refusal.Of(file, $"its grain {what} does not lie in front of its data, so that it cannot be read in one pass.", "Convert it: qemu-img convert -O vmdk -o subformat=streamOptimized.");
}
