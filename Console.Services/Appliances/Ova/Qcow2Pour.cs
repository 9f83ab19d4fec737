namespace Quarterdeck.Appliances.Ova;

/// <summary>Pours a qcow2 image as it is, and believes none of its tables before it has walked through all of them.</summary>
/// <remarks>The tables of a qcow2 may lie anywhere, so that reading it in one pass would take a second copy. The header is held back until the end: what fails leaves nothing that looks like a disk.</remarks>
internal static class Qcow2Pour
{
    private const int Block = 1 << 20, Hole = 1 << 16;

    public static async Task RunAsync(DiskSource source, BufferedReader reader, string path, CancellationToken cancellation)
    {
        var header = Qcow2Header.Parse(source.File, (await reader.PeekAsync(Qcow2Header.Bytes, cancellation)).Span);
        source.Sized(header.CapacityBytes);
        using var image = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, FileOptions.Asynchronous);
        RandomAccess.SetLength(image, 0);
        // Tables and counts of a sound image are far less than a quarter of its data, even with clusters of 512 bytes.
        var most = header.CapacityBytes + header.CapacityBytes / 4 + (16L << 20) + 8L * header.Cluster;
        var block = new byte[Block];
        var held = header.Write().Length;
        long at = 0;
        for (int read; (read = await reader.SomeAsync(block, cancellation)) > 0; at += read)
        {
            if (at + read > most) throw Refusal.Of(source.File, $"it is longer than an image of {header.CapacityBytes} bytes can be.");
            if (at == 0) block.AsSpan(0, Math.Min(read, held)).Clear();
            for (var i = 0; i < read; i += Hole)
            {
                var part = block.AsMemory(i, Math.Min(Hole, read - i));
                if (part.Span.ContainsAnyExcept((byte)0)) await RandomAccess.WriteAsync(image, part, at + i, cancellation);
            }
        }
        // Writers leave out the rest of the last cluster.
        RandomAccess.SetLength(image, (at + header.Cluster - 1) / header.Cluster * header.Cluster);
        await Task.Run(() =>
        {
            new Qcow2Check(source.File, header, image).Run();
            RandomAccess.Write(image, header.Write(), 0);
            RandomAccess.FlushToDisk(image);
        }, cancellation);
    }
}
