using System.Data.Common;
using Quarterdeck.Operations.Store;

namespace Quarterdeck.Operations.Running;

/// <summary>Cancels an operation and its parts, wherever they run.</summary>
internal sealed class Canceller(OperationStore operations, EndingStore endings, RestartStore restarts, RunRegistry registry, ReadyQueue ready, OperationFeed feed)
{
    /// <summary>Parts first, so that a parent finds few of them left; false when the operation has ended.</summary>
    /// <param name="id">The operation.</param>
    /// <param name="alongside">Runs in the transaction that notes the wish.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<bool> CancelAsync(Guid id, Func<DbConnection, Task> alongside, CancellationToken cancellation)
    {
        var (taken, again) = await restarts.RequestCancelAsync(id, alongside, cancellation);
        if (!taken) return false;
        // The wish is durable: no new part can join, so those found now are all.
        await CancelPartsAsync(id, cancellation);
        registry.Stop(id, StopReason.Cancelled);
        if (await operations.FindAsync(id, cancellation) is { } row && await endings.CancelUnstartedAsync(row, cancellation) is { } freed)
        {
            ready.Add(freed.Ready);
            feed.Changed(freed.Changed);
        }
        else if (again is not null)
        {
            ready.Add(again);
        }
        feed.Changed(id);
        return true;
    }

    /// <summary>Cancels the parts of an operation that ends badly.</summary>
    public async Task CancelPartsAsync(Guid parent, CancellationToken cancellation)
    {
        foreach (var part in await restarts.ActivePartsAsync(parent, cancellation))
            await CancelAsync(part, _ => Task.CompletedTask, cancellation);
    }
}
