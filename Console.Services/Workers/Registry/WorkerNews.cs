using Quarterdeck.Events;

namespace Quarterdeck.Workers.Registry;

/// <summary>Tells pages and tables of every node what changed. Call after commit.</summary>
internal sealed class WorkerNews(EventStream<Worker> workers, EventStream<Zone> zones, TableTopics topics, WorkerTable table)
{
    // A node whose table cannot be brought up to date answers all the same: what was stored will be routed to.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A worker is new, changed or gone.</summary>
    public void Worker(Guid id, long serial)
    {
        topics.Workers.Changed(TableTopics.Key(serial));
        workers.Changed(id.ToString());
    }

    /// <summary>Zones are new, changed or gone.</summary>
    public void Zones(params IReadOnlyList<string> hostnames)
    {
        topics.Zones.Changed(hostnames);
        zones.Changed(hostnames);
    }

    /// <summary>Every worker may have changed.</summary>
    public void AllWorkers() => topics.Workers.ChangedAll();

    /// <summary>Waits, a while, until this node's table is as it should be.</summary>
    public async Task RoutedAsync(Func<WorkerTableSnapshot, bool> condition, CancellationToken cancellation)
    {
        if (!table.IsLoaded) return;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try { await table.WaitForAsync(condition, patience.Token); }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested) { }
    }
}
