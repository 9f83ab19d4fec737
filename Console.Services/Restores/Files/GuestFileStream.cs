using Quarterdeck.Platform;

namespace Quarterdeck.Restores.Files;

/// <summary>A file of a recovery point as a stream; the next block is read while this one is used.</summary>
internal sealed class GuestFileStream(FileVm vm, GuestVolume volume, byte[] path, long length, CancellationToken cancellation) : Stream
{
    private byte[] _block = [];
    private int _used;
    private long _fetched, _position;
    private Task<byte[]>? _next;

    public override bool CanRead => true;
    public override bool CanSeek => true; // so that a tar entry knows its length; nothing is ever sought
    public override bool CanWrite => false;
    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    /// <summary>Reads the first block, so that a file that cannot be opened says so before anything was promised.</summary>
    /// <exception cref="ProblemException">It cannot be read.</exception>
    public async Task BeginAsync()
    {
        if (length > 0) _block = await NextAsync();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_position >= length || buffer.Length == 0) return 0;
        if (_used == _block.Length)
        {
            _block = await NextAsync();
            _used = 0;
        }
        var count = (int)Math.Min(Math.Min(buffer.Length, _block.Length - _used), length - _position);
        _block.AsMemory(_used, count).CopyTo(buffer);
        _used += count;
        _position += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Flush() => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        // A question that was asked is answered all the same; nobody is told.
        _next?.ContinueWith(t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        base.Dispose(disposing);
    }

    private async Task<byte[]> NextAsync()
    {
        var block = await (_next ?? Fetch());
        _fetched += block.Length;
        if (block.Length == 0) throw new ProblemException(Problem.Conflict("The file is shorter than it says", $"'{NameText.From(path)}' ends at {_fetched} of {length} bytes: its file system is damaged."));
        _next = _fetched < length ? Fetch() : null;
        return block;
    }

    private Task<byte[]> Fetch() => vm.ReadAsync(volume, path, _fetched, (int)Math.Min(FileVmChannel.Block, length - _fetched), cancellation);
}
