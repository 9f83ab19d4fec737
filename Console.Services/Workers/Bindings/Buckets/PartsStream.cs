namespace Quarterdeck.Workers.Bindings.Buckets;

/// <summary>A range of an object, read segment by segment as it is asked for.</summary>
internal sealed class PartsStream(PartStore store, BucketRow bucket, IReadOnlyList<ObjectPart> parts, long offset, long length) : Stream
{
    private readonly long _length = length;
    private long _at = offset, _left = length;
    private ReadOnlyMemory<byte> _segment;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => _length;
    public override long Position { get => _length - _left; set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_left == 0 || buffer.Length == 0) return 0;
        if (_segment.IsEmpty) await FillAsync(cancellationToken);
        var taken = (int)Math.Min(Math.Min(buffer.Length, _segment.Length), _left);
        _segment[..taken].CopyTo(buffer);
        _segment = _segment[taken..];
        (_at, _left) = (_at + taken, _left - taken);
        return taken;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Flush() { }

    private async Task FillAsync(CancellationToken cancellation)
    {
        long began = 0;
        foreach (var part in parts)
        {
            if (_at < began + part.Bytes)
            {
                var (number, skip) = Math.DivRem(_at - began, PartStore.SegmentBytes);
                var segment = await store.SegmentAsync(bucket, part.Id, number, cancellation);
                _segment = segment.AsMemory(0, (int)Math.Min(segment.Length, part.Bytes - number * PartStore.SegmentBytes))[(int)skip..];
                if (_segment.IsEmpty) throw new Quarterdeck.Repositories.RepositoryException(Quarterdeck.Repositories.RepositoryFault.Damaged, $"A segment of an object in '{bucket.Name}' is shorter than it was. Put the object anew.");
                return;
            }
            began += part.Bytes;
        }
        throw new EndOfStreamException();
    }
}
