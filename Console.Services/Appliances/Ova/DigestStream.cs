using System.Security.Cryptography;

namespace Quarterdeck.Appliances.Ova;

/// <summary>A package's file as a stream whose bytes are digested as they are read.</summary>
/// <param name="file">The file.</param>
/// <param name="algorithms">One when the manifest was read before; all that a manifest may name when it may follow.</param>
internal sealed class DigestStream(TarFile file, IReadOnlyList<HashAlgorithmName> algorithms) : ForwardStream
{
    private readonly IncrementalHash[] _hashes = [.. algorithms.Select(IncrementalHash.CreateHash)];

    /// <summary>The package's file.</summary>
    public TarFile File => file;

    /// <summary>Reads what is left, and answers the digests of the whole file.</summary>
    public async Task<Dictionary<HashAlgorithmName, byte[]>> FinishAsync(CancellationToken cancellation)
    {
        var buffer = new byte[128 << 10];
        while (await ReadAsync(buffer, cancellation) > 0) { }
        return _hashes.ToDictionary(h => h.AlgorithmName, h => h.GetHashAndReset());
    }

    /// <summary>The whole file, when it is small.</summary>
    public async Task<byte[]> BytesAsync(int limit, CancellationToken cancellation)
    {
        if (file.Size > limit) throw Refusal.Of(file.Name, $"it has {file.Size} bytes; at most {limit} are allowed.");
        var bytes = new byte[file.Size];
        await ReadExactlyAsync(bytes, cancellation);
        return bytes;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await file.ReadAsync(buffer, cancellationToken);
        foreach (var hash in _hashes) hash.AppendData(buffer.Span[..read]);
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) foreach (var hash in _hashes) hash.Dispose();
        base.Dispose(disposing);
    }

    public override long Length => file.Size;
}
