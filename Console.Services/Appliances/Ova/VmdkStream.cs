using System.Buffers;
using System.Buffers.Binary;

namespace Quarterdeck.Appliances.Ova;

/// <summary>A packed grain on its way to be inflated.</summary>
/// <param name="Buffer">Rented; whoever inflates it gives it back.</param>
/// <param name="Length">Packed bytes in it.</param>
/// <param name="Offset">Where its content belongs on the disk.</param>
/// <param name="Size">Bytes when unpacked.</param>
internal readonly record struct PackedGrain(byte[] Buffer, int Length, long Offset, int Size);

/// <summary>Reads a stream-optimised VMDK once, from front to back, without its tables: markers say where each grain belongs.</summary>
internal sealed class VmdkStream(string file, BufferedReader reader)
{
    /// <summary>Reads up to the first grain.</summary>
    public async Task HeadAsync(VmdkHeader header, CancellationToken cancellation)
    {
        var head = new byte[header.OverheadBytes];
        await reader.ExactlyAsync(head, cancellation);
        header.CheckDescriptor(file, head);
    }

    /// <summary>The grains in the order of the file. Grain tables and directories are passed over; they only repeat what the markers say.</summary>
    public async IAsyncEnumerable<PackedGrain> GrainsAsync(VmdkHeader header, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var sector = new byte[VmdkHeader.Sector];
        var tables = 4 * ((header.Grains + VmdkHeader.TableEntries - 1) / VmdkHeader.TableEntries) + 16;
        while (true)
        {
            await reader.ExactlyAsync(sector, cancellation);
            var value = BinaryPrimitives.ReadUInt64LittleEndian(sector);
            var size = BinaryPrimitives.ReadUInt32LittleEndian(sector.AsSpan(8));
            if (size == 0)
            {
                var type = BinaryPrimitives.ReadUInt32LittleEndian(sector.AsSpan(12));
                if (type == 0) yield break;
                // A grain table has 512 entries of 4 bytes, a directory one entry a table; the footer is one sector.
                ulong most = type switch { 1 => 4UL, 2 => (ulong)(header.CapacityBytes / header.GrainBytes / 512 + 1) * 4 / 512 + 1, 3 => 1UL, _ => throw Refusal.Of(file, $"it has a marker of the unknown type {type}.") };
                if (tables-- == 0) throw Refusal.Of(file, "it has more tables than the disk needs.");
                if (value > most) throw Refusal.Of(file, "a table in it is longer than the disk needs.");
                await reader.SkipAsync((long)value * VmdkHeader.Sector, cancellation);
                continue;
            }
            yield return await GrainAsync(header, sector, value, size, cancellation);
        }
    }

    private async Task<PackedGrain> GrainAsync(VmdkHeader header, byte[] sector, ulong lba, uint size, CancellationToken cancellation)
    {
        if (lba >= (ulong)(header.CapacityBytes / VmdkHeader.Sector) || lba % (ulong)(header.GrainBytes / VmdkHeader.Sector) != 0) throw Refusal.Of(file, $"a grain in it points outside the disk (sector {lba}).");
        // zlib never makes data longer than by 5 bytes a 16 KiB block and its frame; leave ample room.
        if (size > header.GrainBytes + header.GrainBytes / 8 + 1024) throw Refusal.Of(file, $"a grain in it is {size} bytes long when packed.");
        const int First = VmdkHeader.Sector - 12;
        var buffer = ArrayPool<byte>.Shared.Rent((int)size + VmdkHeader.Sector);
        var here = Math.Min((int)size, First);
        sector.AsSpan(12, here).CopyTo(buffer);
        var rest = ((int)size + 12 + VmdkHeader.Sector - 1) / VmdkHeader.Sector * VmdkHeader.Sector - VmdkHeader.Sector;
        if (rest > 0) await reader.ExactlyAsync(buffer.AsMemory(First, rest), cancellation);
        var offset = (long)lba * VmdkHeader.Sector;
        return new PackedGrain(buffer, (int)size, offset, (int)Math.Min(header.GrainBytes, header.CapacityBytes - offset));
    }

    /// <summary>Reads what is left behind the end marker, which must be padding.</summary>
    public Task EndAsync(CancellationToken cancellation) => reader.DrainAsync(cancellation);
}
