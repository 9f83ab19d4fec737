namespace Quarterdeck.Appliances.Ova;

/// <summary>Exact reads out of a stream by large blocks, so that small ones cost no call below.</summary>
internal sealed class BufferedReader(string file, Stream source)
{
    private readonly byte[] _buffer = new byte[512 << 10];
    private int _at, _end;

    /// <summary>The next bytes, which stay to be read; fewer only at the end.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> PeekAsync(int count, CancellationToken cancellation)
    {
        if (_end - _at < count && _at > 0)
        {
            _buffer.AsSpan(_at, _end - _at).CopyTo(_buffer);
            (_at, _end) = (0, _end - _at);
        }
        while (_end - _at < count && await source.ReadAsync(_buffer.AsMemory(_end), cancellation) is var read and > 0) _end += read;
        return _buffer.AsMemory(_at, Math.Min(count, _end - _at));
    }

    /// <summary>What is there next, at most as much as fits; 0 at the end.</summary>
    public async ValueTask<int> SomeAsync(Memory<byte> target, CancellationToken cancellation)
    {
        var count = 0;
        while (count < target.Length && (_at < _end || await FillAsync(cancellation)))
        {
            var step = Math.Min(target.Length - count, _end - _at);
            _buffer.AsSpan(_at, step).CopyTo(target.Span[count..]);
            _at += step;
            count += step;
        }
        return count;
    }

    public async ValueTask ExactlyAsync(Memory<byte> target, CancellationToken cancellation)
    {
        while (target.Length > 0)
        {
            if (_at == _end && !await FillAsync(cancellation)) throw Refusal.Truncated(file);
            var count = Math.Min(target.Length, _end - _at);
            _buffer.AsSpan(_at, count).CopyTo(target.Span);
            _at += count;
            target = target[count..];
        }
    }

    public async ValueTask SkipAsync(long count, CancellationToken cancellation)
    {
        while (count > 0)
        {
            if (_at == _end && !await FillAsync(cancellation)) throw Refusal.Truncated(file);
            var step = (int)Math.Min(count, _end - _at);
            _at += step;
            count -= step;
        }
    }

    /// <summary>Reads to the end; what is left must be zeros.</summary>
    public async Task DrainAsync(CancellationToken cancellation)
    {
        do
        {
            if (_buffer.AsSpan(_at, _end - _at).ContainsAnyExcept((byte)0)) throw Refusal.Of(file, "there is data behind its end.");
            _at = _end;
        }
        while (await FillAsync(cancellation));
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellation)
    {
        (_at, _end) = (0, 0);
        // Whole blocks are collected: one digest call and one wake-up for half a megabyte instead of for each network packet.
        while (_end < _buffer.Length)
        {
            var read = await source.ReadAsync(_buffer.AsMemory(_end), cancellation);
            if (read == 0) break;
            _end += read;
        }
        return _end > 0;
    }
}
