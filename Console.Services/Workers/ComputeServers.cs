using Quarterdeck.Workers.Front.Upstream;
using Quarterdeck.Workers.Objects;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers;

/// <summary>The compute servers of this node: shared shards, and a cordon for each worker that may not be among others.</summary>
public sealed class ComputeServers : IUpstreams
{
    private readonly ServerFleet _fleet;

    private readonly ObjectFleet? _objects;

    internal ComputeServers(ServerFleet fleet, ObjectFleet? objects = null) => (_fleet, _objects) = (fleet, objects);

    /// <summary>Whether workers can run on this node; else <see cref="Problem"/> tells what is missing.</summary>
    public bool Available => _fleet.Problem is null;

    /// <summary>Why no worker can run here, with the remedy; null when they can.</summary>
    public string? Problem => _fleet.Problem;

    /// <summary>Whether every shared shard has answered once since the start. They start with the first worker: without workers there is none to wait for.</summary>
    public bool Started => _fleet.Started;

    /// <summary>Raised on any thread after a compute server went up or down.</summary>
    public event Action? Changed
    {
        add => _fleet.Changed += value;
        remove => _fleet.Changed -= value;
    }

    /// <summary>Where a worker runs; always the same for one worker until it changes its tier. Neither allocates nor locks, but for the first request into a cordon, which starts it.</summary>
    /// <exception cref="InvalidOperationException">The worker is off, or no worker can run here: look at <see cref="Available"/>.</exception>
    public ComputeServer Pick(DeployedWorker worker) => _fleet.Pick(worker);

    IUpstream IUpstreams.Pick(DeployedWorker worker) => _fleet.Pick(worker);

    bool IUpstreams.ReadsFacts(WorkerKey key) => _fleet.ReadsFacts(key);

    /// <summary>All that run on this node, shared ones first.</summary>
    public IReadOnlyList<ComputeServerInfo> List() => [.. _fleet.List(), .. _objects?.List() ?? []];

    /// <summary>Unloads a version wherever it is loaded; requests that it still has fail. It is loaded again when asked for.</summary>
    public Task EvictAsync(WorkerKey key, CancellationToken cancellation) => _fleet.EvictAsync(key, cancellation);

    /// <summary>Calls <c>scheduled()</c> of a version.</summary>
    /// <returns>How it ended: <c>ok</c>, or the name of the failure such as <c>exception</c>.</returns>
    public Task<string> ScheduledAsync(DeployedWorker worker, WorkerKey key, string cron, DateTimeOffset at, CancellationToken cancellation) => _fleet.ScheduledAsync(worker, key, cron, at, cancellation);

    internal Task<Bindings.Queues.QueueVerdict?> QueueAsync(DeployedWorker worker, WorkerKey key, Bindings.Queues.MessageBatch batch, CancellationToken cancellation) => _fleet.QueueAsync(worker, key, batch, cancellation);
}
