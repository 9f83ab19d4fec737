using System.Collections.Concurrent;
using System.Net.Sockets;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers.Objects;

/// <summary>The process that has one worker's objects.</summary>
internal sealed class ObjectServer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<WorkerKey, RequestTicket> _tickets = new();
    private readonly TimeProvider _time;
    private int _streams;
    private long _used;

    public ObjectServer(Func<ObjectServer, ServerProcess> make, TimeProvider time)
    {
        (_time, _used) = (time, time.GetTimestamp());
        Process = make(this);
    }

    public ServerProcess Process { get; }

    /// <summary>How long nobody has opened a connection; zero while a request is under way, a web socket included.</summary>
    public TimeSpan Idle => Volatile.Read(ref _streams) > 0 ? TimeSpan.Zero : _time.GetElapsedTime(Volatile.Read(ref _used));

    /// <summary>A connection to it, once it answers.</summary>
    public async Task<Stream> ConnectAsync(ObjectLink link, CancellationToken cancellation)
    {
        // A look at the objects keeps nobody awake.
        if (link is not ObjectLink.Admin) Volatile.Write(ref _used, _time.GetTimestamp());
        while (true)
        {
            await Process.ReadyAsync(cancellation);
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Process.OtherSocket(link is ObjectLink.Admin ? "admin" : "gate")), cancellation);
                if (link is not ObjectLink.Streams) return new NetworkStream(socket, ownsSocket: true);
                Interlocked.Increment(ref _streams);
                return new Counted(socket, () => Interlocked.Decrement(ref _streams));
            }
            catch (Exception e)
            {
                socket.Dispose();
                // It ended between answering and this; it is being started again.
                if (e is not (SocketException or IOException or ArgumentException)) throw;
                await Task.Delay(10, cancellation);
            }
        }
    }

    /// <summary>Lets the watchdog know that a version may compute here: objects work without a request of the front.</summary>
    public void Loaded(WorkerKey key) => _tickets.GetOrAdd(key, k => Process.InFlight.Begin(k));

    public async ValueTask DisposeAsync() => await Process.DisposeAsync();

    private sealed class Counted(Socket socket, Action ended) : NetworkStream(socket, ownsSocket: true)
    {
        private int _ended;

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (disposing && Interlocked.Exchange(ref _ended, 1) == 0) ended();
        }
    }
}
