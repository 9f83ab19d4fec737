namespace Quarterdeck.Appliances.Ova;

/// <summary>Writes a package's CD image as it is read.</summary>
internal static class IsoPour
{
    private const int Descriptors = 16 * 2048, Block = 1 << 20;

    /// <param name="file">The file's name, for refusals.</param>
    /// <param name="content">Its content, unpacked; read once.</param>
    /// <param name="path">Where to write it; what is there is lost.</param>
    /// <param name="cancellation">Stops.</param>
    public static async Task RunAsync(string file, Stream content, string path, CancellationToken cancellation)
    {
        var reader = new BufferedReader(file, content);
        var head = await reader.PeekAsync(Descriptors + 6, cancellation);
        // The first volume descriptor: ISO 9660, or the bridge that announces UDF.
        if (head.Length < Descriptors + 6 || !(head.Span[(Descriptors + 1)..].StartsWith("CD001"u8) || head.Span[(Descriptors + 1)..].StartsWith("BEA01"u8)))
            throw Refusal.Of(file, "a CD drive holds it, but it is no CD image (ISO 9660 or UDF).");
        using var image = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, FileOptions.Asynchronous);
        RandomAccess.SetLength(image, 0);
        var block = new byte[Block];
        long at = 0;
        for (int read; (read = await reader.SomeAsync(block, cancellation)) > 0; at += read)
        {
            if (at + read > OvaLimits.MaxIsoBytes) throw Refusal.Of(file, $"it has more than {OvaLimits.MaxIsoBytes >> 30} GiB, which no CD has.");
            await RandomAccess.WriteAsync(image, block.AsMemory(0, read), at, cancellation);
        }
        // Drives have sectors of 2 KiB, volumes of 512 bytes.
        RandomAccess.SetLength(image, (at + 2047) & ~2047L);
        RandomAccess.FlushToDisk(image);
    }
}
