using System.Buffers.Binary;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Reference counts of a qcow2 block: 2^order bits each; below a byte the first is in the lowest bits, above it they are big-endian.</summary>
internal static class CountBits
{
    public static ulong Get(ReadOnlySpan<byte> block, long index, int order) => order switch
    {
        < 3 => (ulong)(block[(int)(index >> (3 - order))] >> Shift(index, order)) & ((1UL << (1 << order)) - 1),
        3 => block[(int)index],
        4 => BinaryPrimitives.ReadUInt16BigEndian(block[(int)(index * 2)..]),
        5 => BinaryPrimitives.ReadUInt32BigEndian(block[(int)(index * 4)..]),
        _ => BinaryPrimitives.ReadUInt64BigEndian(block[(int)(index * 8)..]),
    };

    public static void Set(Span<byte> block, long index, int order, ulong value)
    {
        switch (order)
        {
            case < 3:
                ref var at = ref block[(int)(index >> (3 - order))];
                var mask = ((1 << (1 << order)) - 1) << Shift(index, order);
                at = (byte)((at & ~mask) | ((int)value << Shift(index, order)));
                break;
            case 3: block[(int)index] = (byte)value; break;
            case 4: BinaryPrimitives.WriteUInt16BigEndian(block[(int)(index * 2)..], (ushort)value); break;
            case 5: BinaryPrimitives.WriteUInt32BigEndian(block[(int)(index * 4)..], (uint)value); break;
            default: BinaryPrimitives.WriteUInt64BigEndian(block[(int)(index * 8)..], value); break;
        }
    }

    private static int Shift(long index, int order) => (int)(index & ((8 >> order) - 1)) << order;
}
