using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;

namespace Quarterdeck.Backups.Nbd;

/// <summary>The transmission phase: requests out, one loop that takes the replies in.</summary>
internal sealed class NbdConnection : IAsyncDisposable
{
    /// <summary>Bytes that replies' heads are gathered in; data goes past it.</summary>
    public const int ReceiveBuffer = 16 * 1024;

    /// <summary>How long a server may stay silent while it owes an answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private const uint RequestMagic = 0x25609513, SimpleMagic = 0x67446698, ChunkMagic = 0x668e33ef;
    private const ushort None = 0, Data = 1, Hole = 2, Status = 5, Last = 1, Error = 0x8000;
    private const int HeadLength = 28, LongestChunk = 16 << 20, LongestMessage = 4096;

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly ConcurrentDictionary<ulong, NbdRequest> _open = new();
    private readonly Timer _silence;
    private readonly Task _loop;
    private readonly byte[] _head = new byte[32];
    private Exception? _broken;
    private ulong _cookie;
    private long _heard;
    private long _read, _written;

    public NbdConnection(Socket socket, Stream stream)
    {
        (_socket, _stream) = (socket, stream);
        _heard = Environment.TickCount64;
        _silence = new Timer(_ => Listen(), null, Patience / 8, Patience / 8);
        _loop = Task.Run(ReceiveAsync);
    }

    public long BytesRead => Interlocked.Read(ref _read);

    public long BytesWritten => Interlocked.Read(ref _written);

    /// <summary>Sends a request and waits for its whole reply.</summary>
    public async Task RequestAsync(NbdRequest request, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var cookie = Interlocked.Increment(ref _cookie);
        if (_open.IsEmpty) Volatile.Write(ref _heard, Environment.TickCount64);
        _open[cookie] = request;
        if (_broken is { } broken) Drop(cookie, broken);
        // Once it is out, its answer may come: only the end of the connection makes sure that the buffer is left alone.
        await using var _ = cancellation.UnsafeRegister(static (state, token) => ((NbdConnection)state!).Break(new OperationCanceledException(token)), this);
        if (_broken is null) await SendAsync(request, cookie, payload);
        await request.Outcome;
        Interlocked.Add(ref _written, payload.Length);
    }

    public async ValueTask DisposeAsync()
    {
        if (_broken is null)
        {
            try { await SendAsync(new NbdRequest(NbdCommand.Disconnect, 0, 0), 0, default).WaitAsync(TimeSpan.FromSeconds(1)); }
            catch (Exception e) when (e is TimeoutException or IOException or ObjectDisposedException) { /* it hears the hang-up instead */ }
        }
        Break(new NbdException("The connection to the disk server was closed."));
        await _loop;
        await _silence.DisposeAsync();
    }

    private async Task SendAsync(NbdRequest request, ulong cookie, ReadOnlyMemory<byte> payload)
    {
        var head = ArrayPool<byte>.Shared.Rent(HeadLength);
        try
        {
            BinaryPrimitives.WriteUInt32BigEndian(head, RequestMagic);
            BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(4), request.Flags);
            BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(6), (ushort)request.Command);
            BinaryPrimitives.WriteUInt64BigEndian(head.AsSpan(8), cookie);
            BinaryPrimitives.WriteUInt64BigEndian(head.AsSpan(16), (ulong)request.Offset);
            BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(24), request.Length);
            await _sending.WaitAsync(CancellationToken.None);
            try
            {
                await SendAllAsync(head.AsMemory(0, HeadLength));
                if (payload.Length > 0) await SendAllAsync(payload);
            }
            finally
            {
                _sending.Release();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Break(new NbdException($"The connection to the disk server broke: {e.Message}", 0, e));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(head);
        }
    }

    private async Task SendAllAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0) bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None, CancellationToken.None)..];
    }

    private async Task ReceiveAsync()
    {
        try
        {
            while (true) await ReceiveOneAsync();
        }
        catch (Exception e)
        {
            Break(e as NbdException ?? new NbdException(e is EndOfStreamException ? "The disk server hung up." : $"The connection to the disk server broke: {e.Message}", 0, e));
            // From here on nothing writes into a buffer, so their owners may have them back.
            foreach (var cookie in _open.Keys) Drop(cookie, _broken!);
        }
    }

    private async ValueTask ReceiveOneAsync()
    {
        await FillAsync(4);
        switch (Number(0))
        {
            case SimpleMagic:
                await FillAsync(12);
                await SimpleAsync(Number(0), BinaryPrimitives.ReadUInt64BigEndian(_head.AsSpan(4)));
                return;
            case ChunkMagic:
                await FillAsync(16);
                await ChunkAsync(BinaryPrimitives.ReadUInt16BigEndian(_head), BinaryPrimitives.ReadUInt16BigEndian(_head.AsSpan(2)), BinaryPrimitives.ReadUInt64BigEndian(_head.AsSpan(4)), Number(12));
                return;
            default:
                throw new NbdException("The disk server sent something that is no reply.");
        }
    }

    private async ValueTask SimpleAsync(uint error, ulong cookie)
    {
        if (!_open.TryGetValue(cookie, out var request)) throw new NbdException("The disk server answered a request that nobody made.");
        if (request.Command == NbdCommand.BlockStatus && error == 0) throw new NbdException("The disk server answered a question about blocks without telling anything.");
        if (error != 0) request.Refusal = Refusal(request, error, "");
        else if (request.Command == NbdCommand.Read) await IntoAsync(request, 0, (int)request.Length);
        Complete(cookie);
    }

    private async ValueTask ChunkAsync(ushort flags, ushort type, ulong cookie, uint length)
    {
        if (!_open.TryGetValue(cookie, out var request)) throw new NbdException("The disk server answered a request that nobody made.");
        switch (type)
        {
            case None when length == 0:
                break;
            case Data when length > 8 && length - 8 <= int.MaxValue:
                await FillAsync(8);
                await IntoAsync(request, Position(request, length - 8), (int)(length - 8));
                break;
            case Hole when length == 12:
                await FillAsync(12);
                var size = BinaryPrimitives.ReadUInt32BigEndian(_head.AsSpan(8));
                request.Buffer.Span.Slice((int)Position(request, size), (int)size).Clear();
                request.Received += size;
                break;
            case Status when request.Command == NbdCommand.BlockStatus && length is >= 12 and <= LongestChunk && (length - 4) % 8 == 0:
                await StatusAsync(request, (int)length);
                break;
            case >= Error when length is >= 6 and <= LongestMessage:
                await RefusalAsync(request, (int)length);
                break;
            default:
                throw new NbdException($"The disk server sent a reply of type {type} with {length} bytes, which does not fit the request.");
        }
        if ((flags & Last) != 0) Complete(cookie);
    }

    // Where in the request's buffer a part goes whose absolute offset stands in the head; refuses what lies outside, or comes twice.
    private long Position(NbdRequest request, uint length)
    {
        var offset = BinaryPrimitives.ReadUInt64BigEndian(_head);
        if (request.Command != NbdCommand.Read || offset < (ulong)request.Offset || offset - (ulong)request.Offset > request.Length || request.Received + length > request.Length
            || offset - (ulong)request.Offset + length > request.Length)
            throw new NbdException("The disk server sent data that was not asked for.");
        return (long)(offset - (ulong)request.Offset);
    }

    private async ValueTask IntoAsync(NbdRequest request, long position, int length)
    {
        await _stream.ReadExactlyAsync(request.Buffer.Slice((int)position, length));
        Volatile.Write(ref _heard, Environment.TickCount64);
        request.Received += length;
        Interlocked.Add(ref _read, length);
    }

    private async ValueTask StatusAsync(NbdRequest request, int length)
    {
        var body = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            await _stream.ReadExactlyAsync(body.AsMemory(0, length));
            if (BinaryPrimitives.ReadUInt32BigEndian(body) != request.Context) return; // of another context that was agreed to
            if (request.Extents.Count > 0) throw new NbdException("The disk server told the status of blocks twice.");
            for (var at = 4; at < length; at += 8)
            {
                var size = BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(at));
                if (size == 0) throw new NbdException("The disk server told of blocks without length.");
                request.Extents.Add((size, BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(at + 4))));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(body);
        }
    }

    private async ValueTask RefusalAsync(NbdRequest request, int length)
    {
        var body = new byte[length];
        await _stream.ReadExactlyAsync(body);
        var message = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(body.AsSpan(4)), length - 6);
        request.Refusal ??= Refusal(request, Math.Max(1, BinaryPrimitives.ReadUInt32BigEndian(body)), Encoding.UTF8.GetString(body, 6, message));
    }

    private static NbdException Refusal(NbdRequest request, uint code, string message)
    {
        var why = code switch { 1 => "not permitted", 5 => "an error of the disk", 12 => "no memory", 22 => "an invalid request", 28 => "no room", 95 => "not supported", 108 => "shutting down", _ => $"error {code}" };
        return new NbdException($"The disk server refused to {request.Command.ToString().ToLowerInvariant()} {request.Length} bytes at {request.Offset}: {(message.Length > 0 ? message : why)}", code);
    }

    private void Complete(ulong cookie)
    {
        if (_open.TryRemove(cookie, out var request)) request.Complete();
    }

    private void Drop(ulong cookie, Exception reason)
    {
        if (_open.TryRemove(cookie, out var request)) request.Fail(reason);
    }

    private async ValueTask FillAsync(int length)
    {
        await _stream.ReadExactlyAsync(_head.AsMemory(0, length));
        Volatile.Write(ref _heard, Environment.TickCount64);
    }

    private uint Number(int at) => BinaryPrimitives.ReadUInt32BigEndian(_head.AsSpan(at));

    private void Listen()
    {
        if (!_open.IsEmpty && Environment.TickCount64 - Volatile.Read(ref _heard) > Patience.TotalMilliseconds)
            Break(new NbdException($"The disk server was silent for {Patience.TotalSeconds:0} s."));
    }

    // Ends the receiving loop, which then fails what is open.
    private void Break(Exception reason)
    {
        if (Interlocked.CompareExchange(ref _broken, reason, null) is null) _socket.Dispose();
    }
}
