using Quarterdeck.Hosts;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Pours a raw disk: every byte of it in order. Zeros take no room in the image.</summary>
internal static class RawPour
{
    private const int Block = 16 * Qcow2Writer.Cluster;

    public static async Task RunAsync(DiskSource source, BufferedReader reader, string path, CancellationToken cancellation)
    {
        if (source.Bytes is { } bytes) source.Sized(bytes);
        using var image = new Qcow2Writer(path, source.CapacityBytes);
        var block = new byte[Block];
        long at = 0;
        for (int read; (read = await reader.SomeAsync(block, cancellation)) > 0; at += read)
        {
            // Told before the rest is unpacked: a bomb ends here.
            if (at + read > source.CapacityBytes) throw Refusal.Of(source.File, $"it is longer than the {source.Disk.CapacityBytes} bytes that the descriptor says.");
            image.Write(at, block.AsSpan(0, read));
        }
        source.Sized(at);
        await Task.Run(image.Finish, cancellation);
    }
}
