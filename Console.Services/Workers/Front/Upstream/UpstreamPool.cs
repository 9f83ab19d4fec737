using System.Net.Sockets;
using Quarterdeck.Workers.Front.Http;
using Quarterdeck.Workers.Front.Transport;

namespace Quarterdeck.Workers.Front.Upstream;

/// <summary>Connections to one compute server. Those of an earlier start of its process are thrown away.</summary>
internal sealed class UpstreamPool(IUpstream server, IoLoops loops)
{
    /// <summary>Requests and web sockets at once; more are refused, so that one worker cannot take all descriptors.</summary>
    public const int Most = 4096;

    // workerd closes a connection that was idle for 5 s; one that is older than this is not used any more, so the two never meet.
    private const long MostIdle = 3000, Doubtful = 500;

    private readonly Lock _gate = new();
    private readonly Stack<UpstreamConnection> _idle = new();
    private readonly HashSet<UpstreamConnection> _all = [];

    public IUpstream Server => server;

    /// <summary>Who may send again what the server did not answer.</summary>
    public ReplayTurns Turns { get; } = new(server);

    /// <summary>An idle connection that is still alive, or null.</summary>
    /// <param name="careful">For a request that cannot be sent twice: asks the socket first.</param>
    public UpstreamConnection? TryRent(bool careful)
    {
        var generation = server.Generation;
        while (true)
        {
            UpstreamConnection? connection;
            lock (_gate)
                if (!_idle.TryPop(out connection)) return null;
            var idle = Environment.TickCount64 - connection.IdleSince;
            if (connection.Generation == generation && idle < MostIdle && !connection.IsStale(careful || idle >= Doubtful)) return connection;
            Drop(connection);
        }
    }

    /// <summary>A new connection.</summary>
    /// <exception cref="UpstreamException">Nobody listens, or there are too many.</exception>
    public async ValueTask<UpstreamConnection> ConnectAsync(CancellationToken cancellation)
    {
        lock (_gate)
            if (_all.Count >= Most) throw new UpstreamException(UpstreamFault.Unreachable, $"The compute server has {Most} requests already.");
        var generation = server.Generation;
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(server.SocketPath), cancellation);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            socket.Dispose();
            throw new UpstreamException(UpstreamFault.Unreachable, "The compute server does not listen.", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        var connection = new UpstreamConnection(loops.Take(socket), generation);
        lock (_gate) _all.Add(connection);
        return connection;
    }

    /// <summary>Gives back a connection that may carry another request.</summary>
    public void Return(UpstreamConnection connection)
    {
        (connection.IdleSince, connection.Used) = (Environment.TickCount64, true);
        lock (_gate) _idle.Push(connection);
    }

    /// <summary>Closes a connection.</summary>
    public void Drop(UpstreamConnection connection)
    {
        lock (_gate) _all.Remove(connection);
        connection.Dispose();
    }

    /// <summary>Cuts requests whose time is over, and closes what was idle too long. Called from time to time.</summary>
    public void Sweep(long now)
    {
        List<UpstreamConnection> old = [];
        lock (_gate)
        {
            foreach (var connection in _all) connection.Check(now);
            if (_idle.Any(c => now - c.IdleSince >= MostIdle || c.Generation != server.Generation))
            {
                var kept = _idle.Where(c => now - c.IdleSince < MostIdle && c.Generation == server.Generation).Reverse().ToList();
                old.AddRange(_idle.Except(kept));
                _idle.Clear();
                foreach (var connection in kept) _idle.Push(connection);
            }
        }
        foreach (var connection in old) Drop(connection);
    }
}
