using System.Data.Common;
using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Operations.Store;

/// <summary>What people do to operations that exist: cancel, retry.</summary>
internal sealed class RestartStore(Db db, GroupCommit commit, TimeProvider time)
{
    /// <summary>Notes that cancellation is wanted. A running operation's node sees it; a queued one that made something before runs once more to undo it.</summary>
    /// <returns>What to tell the job engine, or null when the operation has ended.</returns>
    public Task<(bool Taken, Ready? Ready)> RequestCancelAsync(Guid id, Func<DbConnection, Task> alongside, CancellationToken cancellation) => commit.WriteAsync(async connection =>
    {
        var now = time.GetUtcNow();
        var row = await connection.QuerySingleOrDefaultAsync<OperationRow>($"""
            UPDATE operations SET cancel_requested = TRUE, touched_at = @now, not_before = NULL,
                ending = CASE WHEN state = 'queued' THEN COALESCE(ending, 'cancelled') ELSE ending END
            WHERE id = @id AND state IN ('queued', 'running') RETURNING {OperationRow.Columns}
            """, new { id, now });
        if (row is null) return (false, (Ready?)null);
        await alongside(connection);
        return (true, row.State is OperationState.Queued && row.Granted ? new Ready(id, row.Attempt, null) : null);
    }, cancellation);

    /// <summary>The parts of an operation that have not ended.</summary>
    public async Task<IReadOnlyList<Guid>> ActivePartsAsync(Guid parent, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<Guid>("SELECT id FROM operations WHERE parent_id = @parent AND state IN ('queued', 'running')", new { parent })];
    }

    /// <summary>Queues an ended operation anew: what it made was undone, so its steps and notes are forgotten; its log goes on.</summary>
    /// <returns>Whether it was taken, and who may start now.</returns>
    public Task<(bool Taken, IReadOnlyList<Ready> Ready)> RetryAsync(OperationRow row, Func<DbConnection, Task> alongside, CancellationToken cancellation) => commit.WriteAsync<(bool, IReadOnlyList<Ready>)>(async connection =>
    {
        if (row.HasLocks) await LockStore.MutexAsync(connection, db.Dialect);
        if (!await OperationGate.MoveAsync(connection, row.Id, row.State, OperationState.Queued, """
            owner = NULL, queued_at = @now, touched_at = @now, started_at = NULL, ended_at = NULL, not_before = NULL, ending = NULL, problem = NULL, result = NULL, cancel_requested = FALSE,
            attended = FALSE, granted = @granted, failures = 0, crashes = 0, warnings = 0, progress_done = NULL, progress_total = NULL, progress_unit = NULL
            """, new { now = time.GetUtcNow(), granted = !row.HasLocks })) return (false, []);
        await connection.ExecuteAsync("DELETE FROM operation_steps WHERE operation_id = @Id", new { row.Id });
        await connection.ExecuteAsync("DELETE FROM operation_notes WHERE operation_id = @Id", new { row.Id });
        await alongside(connection);
        if (!row.HasLocks) return (true, [new Ready(row.Id, row.Attempt, null)]);
        var locks = Json.Read<List<ResourceLock>>(row.Locks)!;
        await LockStore.RequestAsync(connection, row.Id, row.Path, locks);
        return (true, await LockStore.GrantAsync(connection, locks.ConvertAll(l => l.Resource)));
    }, cancellation);
}
