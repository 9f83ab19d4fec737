using System.IO.Compression;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Unpacks one grain, and refuses what is shorter or longer than it must be.</summary>
internal static class GrainInflater
{
    public static void Inflate(string file, in PackedGrain grain, byte[] target)
    {
        try
        {
            using var zlib = new ZLibStream(new MemoryStream(grain.Buffer, 0, grain.Length, writable: false), CompressionMode.Decompress);
            var read = zlib.ReadAtLeast(target.AsSpan(0, grain.Size), grain.Size, throwOnEndOfStream: false);
            if (read < grain.Size) throw Refusal.Of(file, $"the grain at byte {grain.Offset} is too short when unpacked.");
            // Reading past the end lets zlib check its checksum, and unmasks a bomb after one byte.
            Span<byte> more = stackalloc byte[1];
            // The last grain of a disk may be packed whole although the disk ends within it.
            if (zlib.Read(more) != 0 && grain.Size == target.Length) throw Refusal.Of(file, $"the grain at byte {grain.Offset} is too long when unpacked.");
        }
        catch (InvalidDataException)
        {
            throw Refusal.Of(file, $"the grain at byte {grain.Offset} is damaged.");
        }
    }
}
