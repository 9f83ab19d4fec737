using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Workers.NativeGuard;

namespace Quarterdeck.Workers.Runtime;

/// <summary>How a compute server's process ended.</summary>
/// <param name="Server">Which.</param>
/// <param name="Blame">Whom it is put on; null when nobody can be named.</param>
/// <param name="Kind">What it counts as.</param>
/// <param name="Detail">In words.</param>
internal sealed record ServerEnd(ServerProcess Server, WorkerKey? Blame, StrikeKind Kind, string Detail);

/// <summary>One compute server over its restarts: starts the process, watches it, finds out whose fault its end was, starts it again.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    // What an idle isolate of a small worker takes.
    private const long IsolateBytes = 2_100_000;
    private const int MostWaits = 100;
    private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan StartMoment = TimeSpan.FromSeconds(2);

    private readonly ServerParts _parts;
    private readonly ServerSetup _setup;
    private readonly Func<ServerEnd, Task> _ended;
    private readonly Action _changed;
    private readonly Action _crowded;
    private readonly bool _again;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<WorkerKey, byte> _loaded = new();
    private readonly Suspects _suspects;
    private readonly SemaphoreSlim _look = new(0, 1);
    private readonly Task _running;

    private volatile TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ServerState _state;
    private volatile GuardView? _view;
    private int _restarts;
    private string? _lastEnd;
    private long _handedAt;
    private int _handedStartMs;

    public ServerProcess(ServerParts parts, ServerSetup setup, Func<ServerEnd, Task> ended, Action? changed = null, Action? crowded = null, bool restarts = true)
    {
        (_parts, _setup, _ended, _changed, _crowded, _again, _logger) = (parts, setup, ended, changed ?? (() => { }), crowded ?? (() => { }), restarts, parts.Loggers.CreateLogger<ServerProcess>());
        InFlight = new InFlight(_suspects = new Suspects());
        _state = new ServerState(0, "", null, null, SandboxParts.None, ComputeServerState.Starting, "It has not started yet.");
        _running = Task.Run(RunAsync);
    }

    public string Id => _setup.Id;
    public WorkerTier Tier => _setup.Tier;
    public long? Serial => _setup.Serial;
    public string SocketPath => _state.Socket;
    public int Generation => _state.Generation;

    /// <summary>Another socket of this generation, <c>gate</c> or <c>admin</c>; empty before the first start.</summary>
    public string OtherSocket(string name) => _state is { Socket: { Length: > 0 } socket, Generation: var now } ? Path.Combine(Path.GetDirectoryName(socket)!, $"{name}-{now}.sock") : "";


    public bool IsUp => _state.State is ComputeServerState.Up;
    public int? Pid => _state.Pid;
    public InFlight InFlight { get; }
    public Blames Blames { get; } = new();

    /// <summary>Completes when it runs no more and will not be started again.</summary>
    public Task Ended => _running;

    /// <summary>How the last process ended; null when none did.</summary>
    public string? LastEnd => _lastEnd;

    /// <summary>How many isolates should go, so that the cgroup's memory is not filled: beyond 80 % of it, what makes it 60 %. To go back to the mark alone would lose against many loads at once.</summary>
    public int Excess => Pid is { } pid && ProcessUse.Resident(pid) is var held && held > _setup.MemoryBytes / 10 * 8 ? (int)((held - _setup.MemoryBytes / 10 * 6) / IsolateBytes) + 1 : 0;

    private bool IsFull => Pid is { } pid && ProcessUse.Resident(pid) > _setup.MemoryBytes / 100 * 88;

    /// <summary>Whether the guard works in this process, and so knows whose code runs.</summary>
    public bool IsGuarded => _view is { IsActive: true };

    /// <summary>Calls between its workers; of this process only.</summary>
    public ServiceCalls Calls { get; private set; } = new();

    /// <summary>Whether it serves one start-up check and ends.</summary>
    public bool IsCheck => !_again;

    /// <summary>CPU milliseconds that the version which got its code a moment ago may take to start; 0 when none did.</summary>
    public int StartingMs => _parts.Time.GetElapsedTime(Volatile.Read(ref _handedAt)) < StartMoment ? _handedStartMs : 0;

    /// <summary>Versions whose code this process was given.</summary>
    public ICollection<WorkerKey> Loaded => _loaded.Keys;

    /// <summary>Calls the dispatcher's admin entrypoint of this process; null while it is down.</summary>
    public AdminClient? Admin { get; private set; }

    public async Task ReadyAsync(CancellationToken cancellation)
    {
        while (!IsUp) await _ready.Task.WaitAsync(cancellation);
    }

    /// <summary>Pings now instead of at the next turn.</summary>
    public void Look()
    {
        try { _look.Release(); }
        catch (SemaphoreFullException) { } // somebody asked already
    }

    public ComputeServerInfo Describe(string node)
    {
        var state = _state;
        var active = _view is { IsActive: true };
        return new ComputeServerInfo
        {
            Id = Id, Node = node, Pid = state.Pid, Tier = Tier, Serial = Serial, Objects = _setup.Objects is not null, State = state.State, Workers = _loaded.Count,
            RssBytes = state.Pid is { } pid ? ProcessUse.Resident(pid) : 0, CpuSeconds = state.Pid is { } one ? ProcessUse.Cpu(one) ?? 0 : 0,
            Restarts = _restarts, Since = state.Since, Guard = active ? "active" : "off", GuardReason = active ? null : _view?.OffReason ?? state.GuardReason ?? "The process is starting.",
            Sandbox = state.Sandbox, LastEnd = _lastEnd,
        };
    }

    /// <summary>Unloads a version from this process.</summary>
    public async Task EvictAsync(string key, CancellationToken cancellation)
    {
        if (Admin is not { } admin) return;
        try { await admin.EvictAsync(key, cancellation); }
        catch (HttpRequestException) { } // its process has ended, and the isolate with it
        if (WorkerKey.TryParse(key.Split('~', '+')[0], out var version)) _loaded.TryRemove(version, out _);
    }

    /// <summary>Gives back what unloaded isolates held; without the guard that comes with time.</summary>
    public async Task CollectAsync(CancellationToken cancellation)
    {
        if (Admin is not { } admin || _view is not { } view) return;
        view.Collect();
        try { await admin.PingAsync(cancellation); }
        catch (HttpRequestException) { } // it has ended, and all of it with it
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
        _look.Dispose();
    }

    private async Task RunAsync()
    {
        // A cordon may start anew while its last one still ends, so no two share a folder or a cgroup.
        var own = $"{Id}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3))}";
        var folders = _parts.Folders.For(own);
        var cgroup = Cgroup.Make(own, _setup.MemoryBytes, _parts.Options.MaxThreads, _setup.CpuPercent);
        var listeners = await _parts.ListenAsync(_setup, folders.Io, HandAsync);
        try
        {
            var pause = TimeSpan.Zero;
            while (!_stopping.IsCancellationRequested)
            {
                var began = _parts.Time.GetTimestamp();
                var served = false;
                try { served = await OnceAsync(folders, cgroup); }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    Log.NotStarted(_logger, Id, e);
                    Down(e is ProblemException refused ? refused.Problem.Detail : e.Message);
                }
                if (!_again) return;
                // What ends at once by itself will do so again: don't burn the machine with starting it. What ended under requests ended by one of them, and the others wait.
                pause = served || _parts.Time.GetElapsedTime(began) > TimeSpan.FromSeconds(5) ? TimeSpan.Zero
                    : TimeSpan.FromMilliseconds(Math.Clamp(pause.TotalMilliseconds * 2, _restarts < 3 ? 0 : 50, 5000));
                if (pause > TimeSpan.Zero) await Task.Delay(pause, _parts.Time, _stopping.Token);
            }
        }
        catch (OperationCanceledException) { }
        finally
        {
            Down("It was stopped.");
            foreach (var listener in listeners) await listener.DisposeAsync();
            cgroup.Remove();
            _parts.Folders.Remove(own);
        }
    }

    // One life of the process, from the start to who was to blame for its end; whether it had requests then.
    private async Task<bool> OnceAsync(ServerFolders folders, Cgroup cgroup)
    {
        var generation = _state.Generation + 1;
        var binary = _parts.Binary.Path ?? throw new ProblemException(Problem.Unavailable("workerd is missing", _parts.Binary.Missing));
        var kind = await _parts.Sandbox.KindAsync();
        var guard = await Task.Run(() => _parts.GuardFor(binary));
        var start = new ServerStart(_parts, _setup, folders, cgroup, kind, guard, generation);
        using var view = start.MakeView();
        _loaded.Clear();
        (_view, Calls) = (view, new ServiceCalls());
        var memoryEnds = cgroup.MemoryEnds();
        try
        {
            await using var process = await _parts.Processes.StartAsync(start.Command(view));
            using var admin = new AdminClient(start.Admin);
            var sandbox = start.Walls();
            _state = new ServerState(generation, start.Http, process.Id, _parts.Time.GetUtcNow(), sandbox, ComputeServerState.Starting, guard.Reason);
            string? verdict = null;
            if (await ServerStart.AnswersAsync(admin, process, _stopping.Token))
            {
                Admin = admin;
                _state = _state with { State = ComputeServerState.Up };
                _ready.TrySetResult();
                _changed();
                Log.Up(_logger, Id, process.Id, generation, _parts.Time.GetUtcNow() - _state.Since!.Value);
                using var patrol = view is null ? null : _parts.Patrol(view, name => EvictAsync(name, CancellationToken.None));
                verdict = await new Watchdog(_parts, this, process, admin, view, _look).FollowAsync(_stopping.Token);
            }
            else if (!process.Exited.IsCompleted) verdict = "It did not answer after its start.";
            var present = InFlight.Snapshot(); // before its requests fail, or are long gone
            if (verdict is not null)
            {
                Down(verdict);
                process.Kill();
            }
            if (_stopping.IsCancellationRequested)
            {
                if (!_again) process.Kill(); // it holds nothing that anybody waits for
                return false;
            }
            var outcome = await process.Ended;
            await BlameAsync(view, verdict, outcome, cgroup.MemoryEnds() > memoryEnds, present);
            return present.Count > 0;
        }
        finally
        {
            Down(_lastEnd ?? "It ended.");
            start.Clean();
        }
    }

    private async Task BlameAsync(GuardView? view, string? verdict, ProcessOutcome outcome, bool outOfMemory, IReadOnlyList<(WorkerKey Key, long Began)> present)
    {
        _restarts++;
        var how = verdict ?? (outOfMemory ? "Its memory was full, and the kernel ended it." : outcome.ExitCode > 128
            ? $"Signal {outcome.ExitCode - 128} ended it." : $"It ended with code {outcome.ExitCode}.");
        var kind = verdict is not null ? StrikeKind.Stuck : StrikeKind.Crash;
        WorkerKey? culprit = null;
        var why = "";
        IReadOnlyList<WorkerKey> called = [];
        if (view?.Blame(outOfMemory) is { } blame && WorkerKey.TryParse(blame.Key, out var ran)) (culprit, why) = (ran, blame.Why);
        else if (_suspects.Name(present, Tier is WorkerTier.Cordon) is { } suspect) (culprit, why, called) = (suspect, "its requests were under way each time", Tier is WorkerTier.Shared ? Calls.CalledBy(suspect) : []);
        else if (Serial is { } serial && !_loaded.IsEmpty) (culprit, why) = (_loaded.Keys.FirstOrDefault(new WorkerKey(serial, 0)), "nobody else runs there");
        if (called.Count > 0) why += $", and it had called {string.Join(", ", called)}: from now on each runs by itself, where the next end tells which it was";
        _lastEnd = culprit is { } key ? $"{how} Put on {key}: {why}." : how;
        Log.Ended(_logger, Id, _lastEnd, outcome.Error.Trim());
        if (culprit is { } named) Blames.Note(_state.Generation, named); // before its requests meet the next start
        Down(_lastEnd);
        await _ended(new ServerEnd(this, culprit, kind, $"{how[..^1]} ({(why.Length > 0 ? why : "nobody can be named")})"));
        foreach (var other in called) await _ended(new ServerEnd(this, other, kind, $"{how[..^1]} (it was called by {culprit}, and either may have ended it)"));
    }

    private async Task HandAsync(CodePackage package, CancellationToken cancellation)
    {
        if (Excess > 0)
        {
            _crowded();
            // Loads wait for room: faster than it is made they would fill the process, and end all that is in it.
            for (var waits = 0; IsFull && waits < MostWaits; waits++) await Task.Delay(Wait, cancellation);
        }
        _view?.SetLimits(package.Key.ToString(), ServerStart.GuardLimitsOf(package.Limits));
        _handedStartMs = package.Limits.StartupMs;
        Volatile.Write(ref _handedAt, _parts.Time.GetTimestamp());
        if (_loaded.TryAdd(package.Key, 0) && !IsCheck) _parts.Figures.RecordColdStart(package.Key.Serial, package.Key.Version);
    }

    private void Down(string reason)
    {
        if (_ready.Task.IsCompleted) _ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Admin = null;
        _view = null;
        _state = _state with { State = ComputeServerState.Down, Pid = null, Since = null, GuardReason = reason };
    }

    private sealed record ServerState(int Generation, string Socket, int? Pid, DateTimeOffset? Since, SandboxParts Sandbox, ComputeServerState State, string? GuardReason);

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Compute server {Id} answers: process {Pid}, generation {Generation}, after {Took}.")]
        public static partial void Up(ILogger logger, string id, int pid, int generation, TimeSpan took);

        [LoggerMessage(LogLevel.Warning, "Compute server {Id} ended. {Reason} {Said}")]
        public static partial void Ended(ILogger logger, string id, string reason, string said);

        [LoggerMessage(LogLevel.Error, "Compute server {Id} cannot be started.")]
        public static partial void NotStarted(ILogger logger, string id, Exception error);
    }
}
