using System.IO.Compression;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Unpacks a gzip file as it is read; what does not end as gzip must is refused.</summary>
/// <param name="file">The file's name, for refusals.</param>
/// <param name="packed">The packed bytes.</param>
internal sealed class Gunzip(string file, Stream packed) : Stream
{
    // Read by large blocks: each read below digests what it read.
    private readonly GZipStream _zip = new(new BufferedStream(packed, 256 << 10), CompressionMode.Decompress);
    private long _count;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var read = await _zip.ReadAsync(buffer, cancellationToken);
            _count += read;
            return read;
        }
        catch (InvalidDataException)
        {
            throw Refusal.Of(file, $"it is not gzip as the descriptor says, or damaged behind its byte {_count} when unpacked.");
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _zip.Dispose();
        base.Dispose(disposing);
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => _count; set => throw new NotSupportedException(); }
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("A package is read asynchronously.");
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
