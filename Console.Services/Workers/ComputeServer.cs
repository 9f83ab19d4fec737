using Quarterdeck.Workers.Front.Upstream;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers;

/// <summary>A place where workers run: one process at a time, started again when it ends. The object stays the same over restarts.</summary>
public sealed class ComputeServer : IUpstream
{
    private readonly ServerProcess _process;
    private readonly string _node;

    internal ComputeServer(ServerProcess process, string node) => (_process, _node) = (process, node);

    internal ServerProcess Process => _process;

    /// <summary>Its name on this node, such as <c>s0</c>.</summary>
    public string Id => _process.Id;

    /// <summary><see cref="WorkerTier.Shared"/> or <see cref="WorkerTier.Cordon"/>.</summary>
    public WorkerTier Tier => _process.Tier;

    /// <summary>The unix socket on which this generation takes requests; another one after each restart.</summary>
    public string SocketPath => _process.SocketPath;

    /// <summary>Grows with each start of the process; connections of an older one are dead.</summary>
    public int Generation => _process.Generation;

    /// <summary>Whether it answers now.</summary>
    public bool IsUp => _process.IsUp;

    /// <summary>Completes once it answers.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public Task ReadyAsync(CancellationToken cancellation) => _process.ReadyAsync(cancellation);

    /// <summary>Notes that a request of this version is under way, so that the watchdog knows whom to suspect; dispose the ticket when the response has ended.</summary>
    public RequestTicket Begin(WorkerKey key) => _process.InFlight.Begin(key);

    /// <summary>On which version the end of a generation was put; null when it has not ended, or on nobody. Known before the next generation takes requests; the last few ends are kept.</summary>
    public WorkerKey? BlameOf(int generation) => _process.Blames.Of(generation);

    /// <summary>Says that requests of several workers get no answer; the watchdog looks at once instead of at its next turn.</summary>
    public void ReportStuck() => _process.Look();

    /// <summary>What pages show of it.</summary>
    public ComputeServerInfo Info => _process.Describe(_node);
}
