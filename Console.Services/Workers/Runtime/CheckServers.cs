using System.Collections.Concurrent;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Compute servers for start-up checks, so that who deploys does not wait for a process: one is started before it is wanted, and one that let code pass serves the next check of the same worker.</summary>
internal sealed class CheckServers(ServerParts parts, int firstUser) : IAsyncDisposable
{
    private const int Users = 64;

    // Isolates' heap and buffers, and what workerd itself needs.
    private const int OwnMiB = 160;

    // What every process is fit for.
    private static readonly WorkerLimits Least = WorkerLimits.Usual with { MemoryMiB = 0, BuffersMiB = 0 };

    private readonly ConcurrentDictionary<Task, byte> _ending = new();
    private readonly Lock _gate = new();
    private CheckServer? _fresh, _used;
    private ITimer? _idle;
    private int _made;
    private bool _stopped;

    /// <summary>Memory of a control group in which a worker with these limits runs alone, bytes.</summary>
    public static long Memory(ComputeServerOptions options, WorkerLimits limits) => (long)Math.Max(options.CordonMiB, limits.MemoryMiB + limits.BuffersMiB + OwnMiB) << 20;

    /// <summary>A server for one check; give it back afterwards.</summary>
    /// <param name="serial">Whose code; 0 for a new worker.</param>
    /// <param name="limits">What it is to be fit for.</param>
    /// <param name="fresh">Not one that served a check before.</param>
    public CheckServer Take(long serial, WorkerLimits limits, bool fresh)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopped, this);
            var memory = Memory(parts.Options, limits);
            if (!fresh && serial > 0 && _used?.Serial == serial && Taken(ref _used, limits, memory) is { } used) return used;
            return Taken(ref _fresh, limits, memory) is { } waiting ? waiting : Make(limits);
        }
    }

    /// <summary>Takes a server back after a check, and starts the one that waits for the next.</summary>
    /// <param name="server">From <see cref="Take"/>.</param>
    /// <param name="serial">Whose code was let pass, so that it may serve more of it; null ends the server.</param>
    public void GiveBack(CheckServer server, long? serial)
    {
        lock (_gate)
        {
            if (_stopped || serial is null or 0) End(server);
            else
            {
                if (_used is { } other) End(other);
                _used = server.For(serial.Value);
            }
            if (_stopped) return;
            if (_fresh is { Process.Ended.IsCompleted: true } dead)
            {
                End(dead);
                _fresh = null;
            }
            _fresh ??= Make(Least);
            // They cost memory, so they stay only as long as somebody may go on deploying.
            var patience = TimeSpan.FromMinutes(parts.Options.CordonIdleMinutes);
            if (_idle is null) _idle = parts.Time.CreateTimer(_ => LetGo(), null, patience, Timeout.InfiniteTimeSpan);
            else _idle.Change(patience, Timeout.InfiniteTimeSpan);
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate) _stopped = true;
        if (_idle is not null) await _idle.DisposeAsync();
        LetGo();
        await Task.WhenAll(_ending.Keys);
    }

    private static CheckServer? Taken(ref CheckServer? from, WorkerLimits limits, long memory)
    {
        if (from is not { Process.Ended.IsCompleted: false } server || limits.MemoryMiB > server.HeapMiB || memory > server.MemoryBytes) return null;
        from = null;
        return server;
    }

    private void LetGo()
    {
        lock (_gate)
        {
            if (_fresh is { } fresh) End(fresh);
            if (_used is { } used) End(used);
            _fresh = _used = null;
        }
    }

    private void End(CheckServer server)
    {
        var ending = server.Process.DisposeAsync().AsTask();
        _ending[ending] = 0;
        _ = ending.ContinueWith(done => _ending.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private CheckServer Make(WorkerLimits limits)
    {
        var number = ++_made;
        return new CheckServer(parts, $"k{number}", Math.Max(parts.Options.HeapMiB, limits.MemoryMiB), Memory(parts.Options, limits), firstUser + number % Users);
    }
}
