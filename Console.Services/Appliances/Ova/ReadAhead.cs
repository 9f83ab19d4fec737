using System.Buffers;
using System.Threading.Channels;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Reads a source while what was read before is still worked on, so that neither the network nor the processors wait for each other. Memory: a handful of blocks.</summary>
internal sealed class ReadAhead : ForwardStream
{
    private const int Block = 256 << 10, Blocks = 8;
    private readonly Channel<(byte[] Buffer, int Length)> _queue = Channel.CreateBounded<(byte[], int)>(new BoundedChannelOptions(Blocks) { SingleReader = true, SingleWriter = true });
    private readonly CancellationTokenSource _stop;
    private readonly Task _reading;
    private (byte[] Buffer, int Length) _current = ([], 0);
    private int _at;
    private long _count;

    /// <param name="source">What is read; not disposed.</param>
    /// <param name="cancellation">Stops reading.</param>
    public ReadAhead(Stream source, CancellationToken cancellation)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _reading = Task.Run(() => FillAsync(source), CancellationToken.None);
    }

    private async Task FillAsync(Stream source)
    {
        try
        {
            for (var ended = false; !ended;)
            {
                var buffer = ArrayPool<byte>.Shared.Rent(Block);
                var length = 0;
                // Whole blocks, unless somebody waits for what there is.
                while (length < Block && (length == 0 || _queue.Reader.Count > 0) && !ended)
                {
                    var read = await source.ReadAsync(buffer.AsMemory(length, Block - length), _stop.Token);
                    ended = read == 0;
                    length += read;
                }
                if (length > 0) await _queue.Writer.WriteAsync((buffer, length), _stop.Token);
            }
            _queue.Writer.Complete();
        }
        catch (Exception e)
        {
            // The consumer meets it where it would have met it without reading ahead.
            _queue.Writer.TryComplete(e);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.Length == 0) return 0;
        while (_at == _current.Length)
        {
            Return();
            if (!await _queue.Reader.WaitToReadAsync(cancellationToken)) return 0;
            if (_queue.Reader.TryRead(out _current)) _at = 0;
        }
        var count = Math.Min(buffer.Length, _current.Length - _at);
        _current.Buffer.AsSpan(_at, count).CopyTo(buffer.Span);
        _at += count;
        _count += count;
        return count;
    }

    private void Return()
    {
        if (_current.Buffer.Length > 0) ArrayPool<byte>.Shared.Return(_current.Buffer);
        (_current, _at) = (([], 0), 0);
    }

    /// <summary>Ends reading; afterwards nothing touches the source any more.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading;
        Return();
        while (_queue.Reader.TryRead(out var left)) ArrayPool<byte>.Shared.Return(left.Buffer);
        _stop.Dispose();
        await base.DisposeAsync();
    }

    public override long Position { get => _count; set => throw new NotSupportedException(); }
}
