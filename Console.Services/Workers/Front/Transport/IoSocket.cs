using System.Buffers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Quarterdeck.Workers.Front.Transport;

/// <summary>A connected socket of an <see cref="IoLoop"/>: who waits for it goes on in the loop's own thread, without a hand-over. One may receive and one send at a time; all else is safe on any thread.</summary>
internal sealed class IoSocket : IDisposable
{
    private readonly Socket _socket;
    private readonly IoLoop _loop;
    private readonly long _data;
    private readonly Readiness _in = new(), _out = new();
    private volatile bool _ended;
    private int _disposed;

    /// <summary>Takes a connected socket over.</summary>
    public IoSocket(Socket socket, IoLoop loop)
    {
        (_socket, _loop) = (socket, loop);
        socket.Blocking = false;
        _data = loop.Add(this, socket.SafeHandle);
    }

    /// <summary>Whether the other side has ended or closed it, as far as the loop knows.</summary>
    public bool HasEnded => _ended;

    /// <summary>Whether there is something to read, or its end; asks the kernel.</summary>
    public bool IsReadable
    {
        get
        {
            try { return _ended || _socket.Poll(0, SelectMode.SelectRead); }
            catch (Exception e) when (e is SocketException or ObjectDisposedException) { return true; }
        }
    }

    /// <summary>Waits until there may be something to read, so that nobody holds a buffer meanwhile.</summary>
    public ValueTask ReadableAsync() => _in.IsOpen ? ValueTask.CompletedTask : _in.ChangedAsync();

    /// <summary>Receives what is there; false when there is nothing now.</summary>
    /// <exception cref="SocketException">The connection broke.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public bool TryReceive(Span<byte> into, out int count)
    {
        count = 0;
        while (_in.IsOpen)
        {
            _in.Take();
            count = _socket.Receive(into, SocketFlags.None, out var error);
            switch (error)
            {
                case SocketError.Success:
                    // Less than there was room for is all that there was. The end is told once, so it must be looked for again.
                    if (count == into.Length || _ended) _in.Reopen();
                    return true;
                case SocketError.WouldBlock: break;
                case SocketError.Interrupted: _in.Reopen(); break;
                default: throw new SocketException((int)error);
            }
        }
        return false;
    }

    /// <summary>Receives; 0 when the other side has ended.</summary>
    /// <exception cref="SocketException">The connection broke.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReceiveAsync(Memory<byte> into)
    {
        int count;
        while (!TryReceive(into.Span, out count)) await ReadableAsync();
        return count;
    }

    /// <summary>Sends all of it.</summary>
    /// <exception cref="SocketException">The connection broke.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        var sent = _socket.Send(bytes.Span, SocketFlags.None, out var error);
        if (error is SocketError.Success && sent == bytes.Length) return ValueTask.CompletedTask;
        return RestAsync(new ReadOnlySequence<byte>(error is SocketError.Success ? bytes[sent..] : bytes));
    }

    /// <summary>Sends all of it; many pieces at once.</summary>
    /// <exception cref="SocketException">The connection broke.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public ValueTask SendAsync(ReadOnlySequence<byte> bytes) => bytes.IsSingleSegment ? SendAsync(bytes.First) : RestAsync(bytes);

    /// <summary>Ends both directions; whoever waits goes on.</summary>
    public void Shutdown()
    {
        try { _socket.Shutdown(SocketShutdown.Both); }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }

    /// <summary>Closes it so that the other side sees an error, not an end.</summary>
    public void Reset()
    {
        try { _socket.LingerState = new LingerOption(true, 0); }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
        Dispose();
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _ended = true;
        _loop.Remove(_data);
        _socket.Dispose();
        _in.Change();
        _out.Change();
    }

    /// <summary>Called by the loop.</summary>
    internal void On(IoEvents events)
    {
        const IoEvents over = IoEvents.Ended | IoEvents.HungUp | IoEvents.Failed;
        if ((events & over) != 0) _ended = true;
        if ((events & (IoEvents.Readable | over)) != 0) _in.Change();
        if ((events & (IoEvents.Writable | IoEvents.HungUp | IoEvents.Failed)) != 0) _out.Change();
    }

    private async ValueTask RestAsync(ReadOnlySequence<byte> bytes)
    {
        var waited = false;
        while (bytes.Length > 0)
        {
            var sent = Send(bytes, out var error);
            if (error is SocketError.WouldBlock)
            {
                // room that comes before it is followed is told of at once
                _out.Take();
                _loop.FollowRoom(_socket.SafeHandle, _data, waited = true);
                await _out.ChangedAsync();
                continue;
            }
            if (error is not (SocketError.Success or SocketError.Interrupted)) throw new SocketException((int)error);
            bytes = bytes.Slice(sent);
        }
        if (waited) _loop.FollowRoom(_socket.SafeHandle, _data, wanted: false);
    }

    private int Send(ReadOnlySequence<byte> bytes, out SocketError error)
    {
        const int most = 64; // pieces in one call
        if (bytes.IsSingleSegment) return _socket.Send(bytes.FirstSpan, SocketFlags.None, out error);
        var pieces = new List<ArraySegment<byte>>();
        foreach (var piece in bytes)
            if (pieces.Count < most && MemoryMarshal.TryGetArray(piece, out var array) && array.Count > 0) pieces.Add(array);
        return _socket.Send(pieces, SocketFlags.None, out error);
    }
}
