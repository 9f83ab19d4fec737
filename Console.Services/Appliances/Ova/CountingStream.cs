using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Ova;

/// <summary>The upload: counted for the progress, and cut off at a limit.</summary>
internal sealed class CountingStream(Stream source, long limit, Action<long> progress) : Stream
{
    private long _count;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await source.ReadAsync(buffer, cancellationToken);
        _count += read;
        if (_count > limit) throw new ProblemException(Problem.TooLarge($"The package has more than {limit} bytes. An administrator can raise Quarterdeck:Appliances:MaxPackageBytes."));
        progress(_count);
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

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
