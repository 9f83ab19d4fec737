using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Quarterdeck.Workers.Front.Transport;

/// <summary>One thread that follows many sockets and runs what waits for them. What runs here must not block: everybody on this loop waits meanwhile.</summary>
internal sealed partial class IoLoop : IDisposable
{
    private readonly Epoll _epoll = new();
    private readonly Lock _gate = new();
    private readonly Stack<int> _free = new();
    private readonly Socket _alarm = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Thread _thread;
    private readonly ILogger _logger;
    private Slot[] _slots = new Slot[256];
    private int _used;
    private volatile bool _stopping;

    [ThreadStatic]
    private static IoLoop? _here;

    public IoLoop(string name, ILogger logger)
    {
        _logger = logger;
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>The loop whose thread this is; null on any other thread.</summary>
    public static IoLoop? Here => _here;

    /// <summary>Goes on in a thread of the pool. Answers that wait for nothing do: who sends ten thousand requests ahead would have the loop to himself until the last of them.</summary>
    public static ValueTask LeaveAsync()
    {
        return _here is null ? ValueTask.CompletedTask : OnPoolAsync();

        static async ValueTask OnPoolAsync() => await Task.Yield();
    }

    /// <summary>Follows a socket until it is closed.</summary>
    /// <returns>What <see cref="Remove"/> takes.</returns>
    internal long Add(IoSocket socket, SafeSocketHandle handle)
    {
        int at;
        long data;
        lock (_gate)
        {
            if (!_free.TryPop(out at) && (at = _used++) == _slots.Length) Array.Resize(ref _slots, _slots.Length * 2);
            _slots[at].Socket = socket;
            data = (long)_slots[at].Round << 32 | (uint)at;
        }
        _epoll.Follow(handle, data);
        return data;
    }

    /// <summary>Tells a socket when it takes more, at once if it does now; or does not any more. Followed only while somebody waits: the kernel would tell of every message that the other side has read.</summary>
    internal void FollowRoom(SafeSocketHandle handle, long data, bool wanted) => _epoll.FollowRoom(handle, data, wanted);

    /// <summary>Forgets a socket; events that are still on their way are for nobody.</summary>
    internal void Remove(long data)
    {
        var at = (int)data;
        lock (_gate)
        {
            _slots[at].Socket = null;
            _slots[at].Round = (_slots[at].Round + 1) & int.MaxValue;
            _free.Push(at);
        }
    }

    private IoSocket? Find(long data)
    {
        var at = (int)data;
        lock (_gate) return _slots[at].Round == (int)(data >> 32) ? _slots[at].Socket : null;
    }

    public void Dispose()
    {
        _stopping = true;
        _epoll.Follow(_alarm.SafeHandle, -1); // an unconnected socket is told of at once
        if (Here != this) _thread.Join();
        _epoll.Dispose();
        _alarm.Dispose();
    }

    private void Run()
    {
        _here = this;
        while (!_stopping)
        {
            var count = _epoll.Wait();
            for (var i = 0; i < count; i++)
            {
                var (events, data) = _epoll[i];
                if (data < 0) continue;
                try { Find(data)?.On(events); }
                catch (Exception e) { Log.Failed(_logger, e); } // never seen; but one request's mistake must not end the others
            }
        }
    }

    private struct Slot
    {
        public IoSocket? Socket;
        public int Round;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Critical, "What waited for a socket of the front failed.")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
