namespace Quarterdeck.Workers.Runtime;

/// <summary>One compute server over its restarts.</summary>
internal sealed class ServerProcess(string id, WorkerTier tier)
{
    public string Id { get; } = id;
    public WorkerTier Tier { get; } = tier;
    public string SocketPath { get; private set; } = "";
    public int Generation { get; private set; }
    public bool IsUp => false;
    public InFlight InFlight { get; } = new();
    public ComputeServerInfo Info => throw new NotSupportedException();
    public Task ReadyAsync(CancellationToken cancellation) => throw new NotSupportedException();
    public void Look() { }
}
