namespace Quarterdeck.Workers.Runtime;

/// <summary>All compute servers of this node.</summary>
internal sealed class ServerFleet
{
    public string? Problem => "It was not started yet.";
    public bool Started => false;
    public ComputeServer Pick(DeployedWorker worker) => throw new NotSupportedException();
    public IReadOnlyList<ComputeServerInfo> List() => [];
    public Task EvictAsync(WorkerKey key, CancellationToken cancellation) => throw new NotSupportedException();
    public Task<string> ScheduledAsync(DeployedWorker worker, WorkerKey key, string cron, DateTimeOffset at, CancellationToken cancellation) => throw new NotSupportedException();
}
