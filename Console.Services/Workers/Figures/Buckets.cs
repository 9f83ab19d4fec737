using System.Numerics;

namespace Quarterdeck.Workers.Figures;

/// <summary>Durations in fixed buckets: four to each power of two, from 1 µs to about two hours.</summary>
internal static class Buckets
{
    /// <summary>How many there are; the last takes everything longer.</summary>
    public const int Count = 128;

    private const int Fine = 2; // bits below the leading one

    /// <summary>The bucket of a duration.</summary>
    public static int Of(long microseconds)
    {
        if (microseconds < 1 << Fine) return (int)Math.Max(0, microseconds);
        var power = BitOperations.Log2((ulong)microseconds);
        var bucket = ((power - Fine + 1) << Fine) + (int)((microseconds >> (power - Fine)) & ((1 << Fine) - 1));
        return Math.Min(bucket, Count - 1);
    }

    /// <summary>The longest duration in a bucket, in microseconds.</summary>
    public static long Top(int bucket)
    {
        if (bucket < 1 << Fine) return bucket;
        var power = (bucket >> Fine) + Fine - 1;
        return (((1L << Fine) + (bucket & ((1 << Fine) - 1)) + 1) << (power - Fine)) - 1;
    }

    /// <summary>The duration below which <paramref name="share"/> (0 to 1) of all lie; null when there are none.</summary>
    public static long? Percentile(ReadOnlySpan<int> counts, double share)
    {
        long all = 0;
        foreach (var count in counts) all += count;
        if (all == 0) return null;
        var rank = Math.Max(1, (long)Math.Ceiling(all * share));
        long seen = 0;
        for (var i = 0; i < counts.Length; i++)
            if ((seen += counts[i]) >= rank) return Top(i);
        return Top(Count - 1);
    }

    /// <summary>Writes those that are not empty, as pairs of bucket and count, for storing.</summary>
    public static byte[] Pack(ReadOnlySpan<int> counts)
    {
        var packed = new MemoryStream();
        using var writer = new BinaryWriter(packed);
        for (var i = 0; i < counts.Length; i++)
        {
            if (counts[i] == 0) continue;
            writer.Write((byte)i);
            writer.Write7BitEncodedInt(counts[i]);
        }
        return packed.ToArray();
    }

    /// <summary>Adds what <see cref="Pack"/> wrote.</summary>
    public static void AddPacked(byte[] packed, Span<int> to)
    {
        using var reader = new BinaryReader(new MemoryStream(packed));
        while (reader.BaseStream.Position < packed.Length)
        {
            var bucket = reader.ReadByte();
            to[Math.Min((int)bucket, Count - 1)] += reader.Read7BitEncodedInt();
        }
    }
}
