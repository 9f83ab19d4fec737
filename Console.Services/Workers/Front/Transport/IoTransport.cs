using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Quarterdeck.Workers.Front.Transport;

/// <summary>How the server gets its visitors' connections: over <see cref="IoLoops"/> instead of the thread pool.</summary>
/// <remarks>The usual transport hands each message over twice, from the thread that was told of it to one of the pool, which first has to be woken. At a few microseconds of work a request that costs more than the work.</remarks>
internal sealed class IoTransport(IoLoops loops, IMemoryPoolFactory<byte> memory) : IConnectionListenerFactory
{
    private const int Backlog = 512;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endpoint is IPEndPoint { Address: var ip } && ip.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
            socket.Bind(endpoint);
            socket.Listen(Backlog);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw new AddressInUseException(e.Message, e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        return ValueTask.FromResult<IConnectionListener>(new Listener(socket, loops, memory.Create()));
    }

    private sealed class Listener(Socket socket, IoLoops loops, MemoryPool<byte> memory) : IConnectionListener
    {
        // Without descriptors nothing can be accepted; trying at once would only burn the core that could free some.
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

        private long _count;

        public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (true)
            {
                try
                {
                    var visitor = await socket.AcceptAsync(cancellationToken);
                    visitor.NoDelay = true;
                    var connection = new IoConnection($"{EndPoint}-{Interlocked.Increment(ref _count):x}", visitor, loops, memory);
                    connection.Start();
                    return connection;
                }
                catch (ObjectDisposedException) { return null; }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.OperationAborted) { return null; }
                catch (SocketException) { await Task.Delay(Pause, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); } // that visitor has gone already
            }
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            socket.Dispose();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            socket.Dispose();
            memory.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
