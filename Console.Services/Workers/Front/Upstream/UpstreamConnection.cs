using System.Net.Sockets;
using Microsoft.AspNetCore.Http.Features;
using Quarterdeck.Workers.Front.Http;
using Quarterdeck.Workers.Front.Transport;

namespace Quarterdeck.Workers.Front.Upstream;

/// <summary>Why the front ended a request that a compute server was still at.</summary>
internal enum Cut
{
    None,
    /// <summary>The worker's wall time is over.</summary>
    WallTime,
    /// <summary>The visitor went away.</summary>
    Visitor,
}

/// <summary>One HTTP/1.1 connection to a compute server's unix socket, with its buffers. One request at a time.</summary>
internal sealed class UpstreamConnection(IoSocket socket, int generation) : IDisposable
{
    private const int Usual = 16 << 10;
    private const long Idle = long.MaxValue, Over = -1;

    private byte[] _in = new byte[Usual];
    private int _start, _end, _cut;
    private IHttpRequestLifetimeFeature? _slow;
    private long _deadline = Idle;

    /// <summary>The start of the process that it belongs to.</summary>
    public int Generation => generation;

    /// <summary>Where the next request's head is put together.</summary>
    public HeadBuffer Out { get; } = new();

    /// <summary>The head of the present response.</summary>
    public ResponseHead Head { get; } = new();

    /// <summary>When it was given back, <see cref="Environment.TickCount64"/>.</summary>
    public long IdleSince { get; set; }

    /// <summary>Whether it carried a request before, so that it may have been closed meanwhile.</summary>
    public bool Used { get; set; }

    /// <summary>Why the front ended the present request.</summary>
    public Cut Cut => (Cut)Volatile.Read(ref _cut);

    /// <summary>What was received and not read yet.</summary>
    public ReadOnlySpan<byte> Received => _in.AsSpan(_start, _end - _start);

    /// <summary>Done with so many received bytes.</summary>
    public void Consume(int count)
    {
        _start += count;
        if (_start == _end) _start = _end = 0;
    }

    /// <summary>A request begins; at the deadline (<see cref="Environment.TickCount64"/>) it is cut.</summary>
    public void Begin(long deadline) => Volatile.Write(ref _deadline, deadline);

    /// <summary>From now on nothing but its two ends limits the request: a web socket.</summary>
    public void Unlimited() => Interlocked.CompareExchange(ref _deadline, Idle - 1, Volatile.Read(ref _deadline));

    /// <summary>The request is over. False when its deadline was quicker: then the connection is dead.</summary>
    public bool End() => Interlocked.Exchange(ref _deadline, Idle) != Over && Cut is Cut.None;

    /// <summary>Cuts the request if its deadline is over; called from time to time on another thread.</summary>
    public void Check(long now)
    {
        var deadline = Volatile.Read(ref _deadline);
        if (deadline > now || deadline == Over) return;
        // The next request on this connection has another deadline, so it cannot be hit by mistake.
        if (Interlocked.CompareExchange(ref _deadline, Over, deadline) == deadline) CutOff(Cut.WallTime);
    }

    /// <summary>Ends the request at once: whoever waits for the compute server gets an error, and the compute server stops working for it.</summary>
    public void CutOff(Cut why)
    {
        if (Interlocked.CompareExchange(ref _cut, (int)why, 0) != 0) return;
        socket.Shutdown();
        Volatile.Read(ref _slow)?.Abort();
    }

    /// <summary>The request waits for its visitor now, not for the compute server: a cut ends that, too. Null when it does not any more.</summary>
    /// <exception cref="UpstreamException">It was cut already.</exception>
    public void WaitsFor(IHttpRequestLifetimeFeature? visitor)
    {
        Volatile.Write(ref _slow, visitor);
        if (visitor is not null && Cut is Cut.WallTime) throw new UpstreamException(UpstreamFault.Ended, "The request was cut.");
    }

    /// <summary>Whether the other side has closed it, or sent what nobody asked for.</summary>
    /// <param name="careful">Asks the kernel, too: what has happened a moment ago is not known here yet.</param>
    public bool IsStale(bool careful) => careful ? socket.IsReadable : socket.HasEnded;

    /// <summary>Sends all of it.</summary>
    /// <exception cref="UpstreamException">The connection is broken.</exception>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await socket.SendAsync(bytes);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { throw Ended(e); }
    }

    /// <summary>Receives more behind <see cref="Received"/>; 0 when the other side has ended.</summary>
    /// <exception cref="UpstreamException">The connection is broken.</exception>
    public async ValueTask<int> ReceiveAsync()
    {
        if (_start > 0 && _end == _in.Length)
        {
            Received.CopyTo(_in);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _in.Length) Array.Resize(ref _in, _in.Length * 2);
        try
        {
            var count = await socket.ReceiveAsync(_in.AsMemory(_end));
            _end += count;
            return count;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { throw Ended(e); }
    }

    /// <summary>Whether a new request may go over it: nothing is left over from the last.</summary>
    public bool IsClean => _start == _end;

    public void Dispose() => socket.Dispose();

    private static UpstreamException Ended(Exception e) => new(UpstreamFault.Ended, "The connection to the compute server broke.", e);
}
