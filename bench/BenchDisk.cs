using System.Globalization;
using System.Text;

namespace Quarterdeck.Bench;

/// <summary>What of a disk is changed between a backup and a restore.</summary>
/// <param name="Name">For the report.</param>
/// <param name="Percent">Of the disk's size.</param>
/// <param name="Scattered">Single blocks of 4 KiB all over the data, rather than one piece.</param>
internal sealed record DiskChange(string Name, double Percent, bool Scattered = false);

/// <summary>A disk three quarters full, as a raw file and as an image; half of the data compresses, half does not.</summary>
internal sealed class BenchDisk(string folder, long size)
{
    private const int Block = 4096, Chunk = 65536;
    private readonly Random _random = new(7);

    /// <summary>A size of the short form, or eight times that in the long one.</summary>
    public static long SizeOf(long bytes) => Environment.GetEnvironmentVariable("QUARTERDECK_BENCH_LONG") == "1" ? 8 * bytes : bytes;

    /// <summary>Its size in bytes.</summary>
    public long Size => size;

    /// <summary>The content as a raw file; stays as it is.</summary>
    public string Raw => Path.Combine(folder, "content.raw");

    /// <summary>Writes the raw file.</summary>
    public async Task FillAsync(CancellationToken cancellation)
    {
        await using var file = new FileStream(Raw, FileMode.Create, FileAccess.Write);
        file.SetLength(size);
        var buffer = new byte[1 << 20];
        var words = new byte[64][];
        for (var i = 0; i < words.Length; i++) _random.NextBytes(words[i] = new byte[32]);
        for (long at = 0; at < size / 4 * 3; at += buffer.Length)
        {
            if (at / buffer.Length % 2 == 0) _random.NextBytes(buffer);
            else for (var i = 0; i < buffer.Length; i += 32) words[_random.Next(words.Length)].CopyTo(buffer, i);
            await file.WriteAsync(buffer, cancellation);
        }
    }

    /// <summary>Where a change writes: offsets and lengths.</summary>
    public IReadOnlyList<(long Offset, int Length)> Places(DiskChange change)
    {
        var bytes = (long)(size * change.Percent / 100) / Block * Block;
        if (!change.Scattered)
        {
            var from = (long)(_random.NextDouble() * (size / 4 * 3 - bytes)) / Chunk * Chunk;
            return [.. Enumerable.Range(0, (int)((bytes + (8 << 20) - 1) / (8 << 20))).Select(i => (from + ((long)i << 23), (int)Math.Min(8 << 20, bytes - ((long)i << 23))))];
        }
        var blocks = new HashSet<long>();
        while (blocks.Count < bytes / Block) blocks.Add(_random.NextInt64(size / 4 * 3 / Block));
        return [.. blocks.Order().Select(b => (b * Block, Block))];
    }

    /// <summary>How many chunks of 64 KiB the places touch.</summary>
    public static long Chunks(IEnumerable<(long Offset, int Length)> places) =>
        places.SelectMany(p => Enumerable.Range(0, (int)((p.Offset + p.Length - 1) / Chunk - p.Offset / Chunk + 1)).Select(i => p.Offset / Chunk + i)).Distinct().LongCount();

    /// <summary>Writes new content at the places into an image that is closed, or a raw file.</summary>
    public static Task ChangeAsync(string image, string format, IReadOnlyList<(long Offset, int Length)> places, CancellationToken cancellation)
    {
        var commands = new StringBuilder();
        foreach (var (offset, length) in places) commands.Append(CultureInfo.InvariantCulture, $"write -q -P {1 + offset / Block % 250} {offset} {length}\n");
        return Tools.RunAsync("qemu-io", ["-f", format, image], cancellation, commands.Append("flush\n").ToString());
    }
}
