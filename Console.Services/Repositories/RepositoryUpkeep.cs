using Quarterdeck.Access;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories.Registry;
using Quarterdeck.Repositories.Upkeep;

namespace Quarterdeck.Repositories;

/// <summary>Starts what keeps repositories in order; each is an operation.</summary>
public sealed class RepositoryUpkeep
{
    private readonly RepositoryStore _store;
    private readonly OperationQueue _queue;
    private readonly Guard _guard;

    internal RepositoryUpkeep(RepositoryStore store, OperationQueue queue, Guard guard) => (_store, _queue, _guard) = (store, queue, guard);

    /// <summary>Reads and hashes everything (<c>repository.verify</c>).</summary>
    /// <returns>The operation's id.</returns>
    public Task<Result<Guid>> VerifyAsync(Caller caller, Guid id, CancellationToken cancellation) =>
        StartAsync(caller, id, row => UpkeepKinds.Alone(UpkeepKinds.Verify, row), removes: false, cancellation);

    /// <summary>Removes expired points, but for pinned ones, those in use and the last good one of a VM (<c>repository.prune</c>). Space is freed by the next collect.</summary>
    /// <returns>The operation's id; Conflict when the repository is append-only.</returns>
    public Task<Result<Guid>> PruneAsync(Caller caller, Guid id, CancellationToken cancellation) =>
        StartAsync(caller, id, row => UpkeepKinds.Alone(UpkeepKinds.Prune, row), removes: true, cancellation);

    /// <summary>Frees what no point needs, while backups run (<c>repository.collect</c>).</summary>
    /// <returns>The operation's id; Conflict when the repository is append-only.</returns>
    public Task<Result<Guid>> CollectAsync(Caller caller, Guid id, CancellationToken cancellation) =>
        StartAsync(caller, id, row => UpkeepKinds.Alone(UpkeepKinds.Collect, row), removes: true, cancellation);

    /// <summary>Copies points to another repository, only what is missing there (<c>repository.copy</c>).</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="id">Where they are.</param>
    /// <param name="targetId">Where they shall be, too.</param>
    /// <param name="pointIds">Which; null for all.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The operation's id.</returns>
    public async Task<Result<Guid>> CopyAsync(Caller caller, Guid id, Guid targetId, IReadOnlyList<Guid>? pointIds, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, RepositoriesPermissions.Operate, RepositoryRegistry.Target(id), cancellation) is { } refused) return refused;
        if (targetId == id) return Problem.Invalid("targetId", "It is the repository itself.", "Send the id of another one.");
        if (await _store.FindAsync(targetId, cancellation) is null) return Problem.Invalid("targetId", "There is no such repository.", "Send the id of another configured repository.");
        return await StartAsync(caller, id, row => new NewOperation(UpkeepKinds.Copy.Key, RepositoryRegistry.Target(id), row.Name, new CopyInput(id, targetId, pointIds))
        {
            Locks = [Shared(id), Shared(targetId)],
        }, removes: false, cancellation);
    }

    private async Task<Result<Guid>> StartAsync(Caller caller, Guid id, Func<RepositoryRow, NewOperation> operation, bool removes, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, RepositoriesPermissions.Operate, RepositoryRegistry.Target(id), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(id, cancellation) is not { } row) return Problem.NotFound("repository", id);
        if (removes && row.AppendOnly) return Problem.Conflict("The repository is append-only", $"'{row.Name}' was made so that nothing in it can be removed.");
        return await _queue.EnqueueAsync(caller, operation(row), cancellation);
    }

    private static ResourceLock Shared(Guid id) => new(RepositoryRegistry.Target(id), LockMode.Shared);
}
