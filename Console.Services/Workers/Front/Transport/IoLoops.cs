using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Quarterdeck.Workers.Front.Transport;

/// <summary>The threads that serve visitors and talk to compute servers; started with the first socket.</summary>
internal sealed class IoLoops(ILoggerFactory logs) : IDisposable
{
    // Compute servers need cores as well, and more threads than cores only hand over to each other.
    private static readonly int Count = Math.Clamp(Environment.ProcessorCount / 2, 1, 16);

    private readonly Lock _gate = new();
    private IoLoop[] _loops = [];
    private int _next;
    private bool _disposed;

    /// <summary>Takes a connected socket over: onto this thread's loop, so that one thread serves a request from end to end, else onto the next.</summary>
    public IoSocket Take(Socket socket) => new(socket, IoLoop.Here ?? Next());

    public void Dispose()
    {
        lock (_gate) _disposed = true;
        foreach (var loop in _loops) loop.Dispose();
    }

    private IoLoop Next()
    {
        if (_loops.Length == 0) Start();
        return _loops[(uint)Interlocked.Increment(ref _next) % _loops.Length];
    }

    private void Start()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_loops.Length > 0) return;
            var logger = logs.CreateLogger<IoLoop>();
            _loops = [.. Enumerable.Range(0, Count).Select(i => new IoLoop($"front {i}", logger))];
        }
    }
}
