using System.Collections.Concurrent;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Compute servers for start-up checks. Each serves one check and ends; after the first check one more waits, started, so that who deploys does not wait for a process.</summary>
internal sealed class CheckServers(ServerParts parts, int firstUser) : IAsyncDisposable
{
    private const int Users = 64;

    // Isolates' heap and buffers, and what workerd itself needs.
    private const int OwnMiB = 160;

    private readonly ConcurrentDictionary<Task, byte> _ending = new();
    private readonly Lock _gate = new();
    private Waiting? _spare;
    private ITimer? _idle;
    private int _made;
    private bool _stopped;

    /// <summary>Memory of a control group in which a worker with these limits runs alone, bytes.</summary>
    public static long Memory(ComputeServerOptions options, WorkerLimits limits) => (long)Math.Max(options.CordonMiB, limits.MemoryMiB + limits.BuffersMiB + OwnMiB) << 20;

    /// <summary>A server that gives out this package alone. Its end is nobody's strike.</summary>
    public ServerProcess Take(CodePackage package)
    {
        Waiting? taken;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopped, this);
            taken = _spare is { Server.Ended.IsCompleted: false } spare && spare.Suits(package.Limits, parts.Options) ? spare : null;
            if (taken is not null) _spare = null;
        }
        taken ??= Make(package.Limits);
        taken.Code.SetResult(package);
        return taken.Server;
    }

    /// <summary>Ends a server in the background, and starts the one that waits for the next check.</summary>
    public void GiveBack(ServerProcess server)
    {
        End(server);
        lock (_gate)
        {
            if (_stopped) return;
            if (_spare is { Server.Ended.IsCompleted: true } dead)
            {
                End(dead.Server);
                _spare = null;
            }
            _spare ??= Make(WorkerLimits.Usual with { MemoryMiB = 0, BuffersMiB = 0 });
            // It costs memory, so it stays only as long as somebody may go on deploying.
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

    private void LetGo()
    {
        lock (_gate)
        {
            if (_spare is { } spare) End(spare.Server);
            _spare = null;
        }
    }

    private void End(ServerProcess server)
    {
        var ending = server.DisposeAsync().AsTask();
        _ending[ending] = 0;
        _ = ending.ContinueWith(done => _ending.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private Waiting Make(WorkerLimits limits)
    {
        var number = Interlocked.Increment(ref _made);
        var code = new TaskCompletionSource<CodePackage>(TaskCreationOptions.RunContinuationsAsynchronously);
        var (heap, memory) = (Math.Max(parts.Options.HeapMiB, limits.MemoryMiB), Memory(parts.Options, limits));
        var setup = new ServerSetup($"k{number}", WorkerTier.Cordon, null, heap, memory, null, firstUser + number % Users, (_, cancellation) => code.Task.WaitAsync(cancellation));
        return new Waiting(new ServerProcess(parts, setup, _ => Task.CompletedTask, restarts: false), code, heap, memory);
    }

    private sealed record Waiting(ServerProcess Server, TaskCompletionSource<CodePackage> Code, int HeapMiB, long MemoryBytes)
    {
        public bool Suits(WorkerLimits limits, ComputeServerOptions options) => limits.MemoryMiB <= HeapMiB && Memory(options, limits) <= MemoryBytes;
    }
}
