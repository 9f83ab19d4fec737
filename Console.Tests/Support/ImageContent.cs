using System.Buffers.Binary;
using System.IO.Compression;

namespace Quarterdeck.Tests.Support;

/// <summary>Reads all of a small qcow2 image by its tables; a second opinion beside QEMU's, without a process.</summary>
internal static class ImageContent
{
    public static byte[] Of(string path)
    {
        var image = File.ReadAllBytes(path);
        ulong U64(long at) => BinaryPrimitives.ReadUInt64BigEndian(image.AsSpan((int)at));
        image[..4].ShouldBe([0x51, 0x46, 0x49, 0xfb], "the image has its header");
        var (bits, capacity, first) = (BinaryPrimitives.ReadInt32BigEndian(image.AsSpan(20)), (long)U64(24), (long)U64(40));
        var cluster = 1 << bits;
        var content = new byte[capacity];
        for (var i = 0L; i * cluster < capacity; i++)
        {
            var table = (long)(U64(first + i / (cluster / 8) * 8) & 0x00ff_ffff_ffff_fe00);
            if (table == 0) continue;
            var entry = U64(table + i % (cluster / 8) * 8);
            var target = content.AsSpan((int)(i * cluster), (int)Math.Min(cluster, capacity - i * cluster));
            if ((entry & 1UL << 62) != 0)
            {
                var at = (int)(entry & ((1UL << (62 - (bits - 8))) - 1));
                using var inflate = new DeflateStream(new MemoryStream(image, at, image.Length - at), CompressionMode.Decompress);
                inflate.ReadExactly(target);
            }
            else if ((entry & 1) == 0 && (entry & 0x00ff_ffff_ffff_fe00) is var at and not 0) image.AsSpan((int)at, target.Length).CopyTo(target);
        }
        return content;
    }
}
