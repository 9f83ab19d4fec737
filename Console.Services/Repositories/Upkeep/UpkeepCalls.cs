using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories.Registry;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>Opens repositories for operations: what may pass is tried again, what will not is told.</summary>
internal sealed class UpkeepCalls(RepositoryStore store, RepositoryConnections connections, RepositoryWatch watch, IEnumerable<IPointsChanged> watchers)
{
    public async Task<RepositoryRow> RowAsync(Guid id, CancellationToken cancellation) => await store.FindAsync(id, cancellation) ?? throw new ProblemException(Problem.NotFound("repository", id));

    /// <summary>Runs work in a session, then looks at the repository.</summary>
    public async Task<T> WithAsync<T>(Guid id, string purpose, Func<Repository, Task<T>> work, CancellationToken cancellation)
    {
        var row = await RowAsync(id, cancellation);
        try
        {
            try
            {
                await using var repository = await connections.OpenAsync(row, purpose, cancellation);
                return await work(repository);
            }
            finally { watch.LookSoon(id); }
        }
        catch (RepositoryException e) when (e.Fault is RepositoryFault.Unreachable or RepositoryFault.SessionLost) { throw new TransientException(e.Problem.Detail, e); }
    }

    /// <summary>Tells who lists points that they are others now.</summary>
    public async Task PointsChangedAsync(Guid id, CancellationToken cancellation)
    {
        foreach (var watcher in watchers) await watcher.PointsChangedAsync(id, cancellation);
    }

    public async Task VerifiedAsync(Guid id, string? damage, CancellationToken cancellation)
    {
        await store.VerifiedAsync(id, damage, cancellation);
        watch.LookSoon(id); // tells everybody who looks at it
    }
}
