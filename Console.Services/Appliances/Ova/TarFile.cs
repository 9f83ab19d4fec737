namespace Quarterdeck.Appliances.Ova;

/// <summary>One file of an archive being read; good until the next one is asked for.</summary>
internal sealed class TarFile(TarStream tar, string name, long size)
{
    private long _left = size;

    /// <summary>Its plain name.</summary>
    public string Name => name;

    /// <summary>Its bytes.</summary>
    public long Size { get; } = size;

    /// <summary>Reads on; 0 at its end.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        if (_left == 0 || buffer.Length == 0) return 0;
        if (buffer.Length > _left) buffer = buffer[..(int)_left];
        var read = await tar.ReadAsync(buffer, cancellation);
        if (read == 0) throw Refusal.Truncated(name);
        _left -= read;
        if (_left == 0) await tar.ExactlyAsync(new byte[TarStream.Padding(Size)], name, cancellation);
        return read;
    }

    internal async Task SkipAsync(CancellationToken cancellation)
    {
        if (_left == 0) return;
        var buffer = new byte[64 << 10];
        while (await ReadAsync(buffer, cancellation) > 0) { }
    }
}
