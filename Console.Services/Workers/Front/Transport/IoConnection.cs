using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Quarterdeck.Workers.Front.Transport;

/// <summary>A visitor's connection, as the server takes it: what comes in and goes out as pipes.</summary>
internal sealed class IoConnection : DefaultConnectionContext, IMemoryPoolFeature
{
    // As the usual transport has them: who sends more than is read, or reads less than is sent, waits.
    private const long MostIn = 1 << 20, MostOut = 64 << 10;
    private const int Piece = 4 << 10;

    private readonly IoSocket _socket;
    private readonly Pipe _in, _out;
    private readonly CancellationTokenSource _closed = new(); // never disposed: it holds nothing, and is asked for until the very end
    private Task _receiving = Task.CompletedTask, _sending = Task.CompletedTask;
    private volatile ConnectionAbortedException? _aborted;

    public IoConnection(string id, Socket socket, IoLoops loops, MemoryPool<byte> memory) : base(id)
    {
        MemoryPool = memory;
        (LocalEndPoint, RemoteEndPoint) = (socket.LocalEndPoint, socket.RemoteEndPoint);
        _in = new Pipe(Options(memory, MostIn));
        _out = new Pipe(Options(memory, MostOut));
        Transport = new Ends(_in.Reader, _out.Writer);
        ConnectionClosed = _closed.Token;
        Features.Set<IMemoryPoolFeature>(this);
        _socket = loops.Take(socket);
    }

    public MemoryPool<byte> MemoryPool { get; }

    /// <summary>Begins to receive and send.</summary>
    public void Start() => (_receiving, _sending) = (ReceiveAsync(), SendAsync());

    public override void Abort(ConnectionAbortedException abortReason)
    {
        _aborted ??= abortReason;
        _socket.Shutdown();
        _out.Reader.CancelPendingRead();
    }

    public override async ValueTask DisposeAsync()
    {
        await _in.Reader.CompleteAsync();
        await _out.Writer.CompleteAsync();
        await _sending; // it ends the socket, and with it the receiving
        await _receiving;
        if (_aborted is null) _socket.Dispose();
        else _socket.Reset();
        await base.DisposeAsync();
    }

    private static PipeOptions Options(MemoryPool<byte> memory, long most) => new(memory, PipeScheduler.Inline, PipeScheduler.Inline, most, most / 2, useSynchronizationContext: false);

    private async Task ReceiveAsync()
    {
        Exception? error = null;
        try
        {
            while (true)
            {
                await _socket.ReadableAsync();
                if (!_socket.TryReceive(_in.Writer.GetMemory(Piece).Span, out var count)) continue;
                if (count == 0) break;
                _in.Writer.Advance(count);
                if (await _in.Writer.FlushAsync() is { IsCompleted: true } or { IsCanceled: true }) break;
            }
        }
        catch (SocketException e) { error = _aborted ?? (Exception)new ConnectionResetException(e.Message, e); }
        catch (ObjectDisposedException e) { error = _aborted ?? new ConnectionAbortedException("The connection was closed.", e); }
        finally
        {
            await _in.Writer.CompleteAsync(_aborted ?? error);
            // whoever is told may do anything, also wait
            ThreadPool.UnsafeQueueUserWorkItem(static closed => closed.Cancel(), _closed, preferLocal: false);
        }
    }

    private async Task SendAsync()
    {
        Exception? error = null;
        try
        {
            while (true)
            {
                var read = await _out.Reader.ReadAsync();
                if (read.IsCanceled) break;
                if (!read.Buffer.IsEmpty) await _socket.SendAsync(read.Buffer);
                _out.Reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted) break;
            }
        }
        catch (SocketException e) { error = new ConnectionResetException(e.Message, e); }
        catch (ObjectDisposedException e) { error = e; }
        finally
        {
            _socket.Shutdown();
            await _out.Reader.CompleteAsync(error);
            _in.Writer.CancelPendingFlush();
        }
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
