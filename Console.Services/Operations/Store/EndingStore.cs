using System.Data.Common;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations.Store;

/// <summary>What the end of an operation set free.</summary>
/// <param name="Ready">Operations that may start now.</param>
/// <param name="Changed">Other operations whose rows changed.</param>
internal sealed record Freed(IReadOnlyList<Ready> Ready, IReadOnlyList<Guid> Changed)
{
    public static Freed Nothing { get; } = new([], []);
}

/// <summary>Ends operations: a parent after its parts, and with each end the locks go to whoever waits.</summary>
internal sealed class EndingStore(Db db, GroupCommit commit, TimeProvider time)
{
    private const string ActiveParts = "SELECT COUNT(*) FROM operations WHERE parent_id = @id AND state IN ('queued', 'running')";

    /// <summary>Decides that an operation ends badly, before its undo begins: whoever continues after a crash goes on undoing. Parts are cancelled first.</summary>
    /// <returns>True when parts are outstanding: the run stops, and the last part brings the operation back for its undo.</returns>
    /// <exception cref="FencedException">Another run owns it.</exception>
    public Task<bool> DecideAsync(Lease lease, OperationState ending, Problem? problem, CancellationToken cancellation) => commit.WriteAsync(async connection =>
    {
        await OperationGate.HoldAsync(connection, lease, time.GetUtcNow());
        var parts = await connection.ExecuteScalarAsync<int>(ActiveParts, new { id = lease.Operation });
        await connection.ExecuteAsync($"UPDATE operations SET ending = @ending, problem = COALESCE(@problem, problem) {(parts > 0 ? ", owner = NULL" : "")} WHERE id = @Operation",
            new { lease.Operation, ending = ending.ToColumn(), problem = problem is null ? null : Json.Write(problem) });
        return parts > 0;
    }, cancellation);

    /// <summary>Ends an operation, with the last of its journal. While parts run it stays running without an owner, and the last part ends it.</summary>
    /// <exception cref="FencedException">Another run owns it.</exception>
    public Task<Freed> EndAsync(Lease lease, OperationRow row, OperationState ending, string? result, Problem? problem, Func<DbConnection, Task> journal, CancellationToken cancellation) => commit.WriteAsync(async connection =>
    {
        if (row.HasLocks || row.ParentId is not null) await LockStore.MutexAsync(connection, db.Dialect);
        var now = time.GetUtcNow();
        await OperationGate.HoldAsync(connection, lease, now);
        await journal(connection);
        if (await connection.ExecuteScalarAsync<int>(ActiveParts, new { id = lease.Operation }) > 0)
        {
            await connection.ExecuteAsync("UPDATE operations SET ending = @ending, result = @result, owner = NULL WHERE id = @Operation", new { lease.Operation, ending = ending.ToColumn(), result });
            return Freed.Nothing;
        }
        var to = ending is OperationState.Succeeded && await BadPartsAsync(connection, lease.Operation) ? OperationState.Warning : ending;
        if (!await OperationGate.MoveAsync(connection, lease, to, "ended_at = @now, ending = NULL, result = @result, problem = @problem",
            new { now, result, problem = problem is null ? null : Json.Write(problem) })) throw new FencedException(lease.Operation);
        return await AfterAsync(connection, row, now);
    }, cancellation);

    /// <summary>Ends a queued operation that has made nothing yet; null when it did (or is no longer queued).</summary>
    public Task<Freed?> CancelUnstartedAsync(OperationRow row, CancellationToken cancellation) => commit.WriteAsync<Freed?>(async connection =>
    {
        if (row.HasLocks || row.ParentId is not null) await LockStore.MutexAsync(connection, db.Dialect);
        var now = time.GetUtcNow();
        return await OperationGate.MoveAsync(connection, row.Id, OperationState.Queued, OperationState.Cancelled, "ended_at = @now, ending = NULL, cancel_requested = TRUE", new { now }, """
            (ending IS NULL OR ending = 'cancelled') AND NOT EXISTS (SELECT 1 FROM operation_steps s WHERE s.operation_id = operations.id) AND NOT EXISTS (SELECT 1 FROM operation_notes n WHERE n.operation_id = operations.id)
            AND NOT EXISTS (SELECT 1 FROM operations c WHERE c.parent_id = operations.id AND c.state IN ('queued', 'running'))
            """)
            ? await AfterAsync(connection, row, now) : null;
    }, cancellation);

    /// <summary>Settles parents that wait for parts although all have ended; only a sweep finds any.</summary>
    public Task<Freed> SettleAsync(Guid parent, CancellationToken cancellation) => commit.WriteAsync(async connection =>
    {
        await LockStore.MutexAsync(connection, db.Dialect);
        return await SettleAsync(connection, parent, time.GetUtcNow());
    }, cancellation);

    private async Task<Freed> AfterAsync(DbConnection connection, OperationRow row, DateTimeOffset now)
    {
        var ready = row.HasLocks ? await LockStore.ReleaseAsync(connection, row.Id) : [];
        var above = row.ParentId is { } p ? await SettleAsync(connection, p, now) : Freed.Nothing;
        return new Freed([.. ready, .. above.Ready], above.Changed);
    }

    /// <summary>After a part's end. The parent's row is locked first: either its run sees this part ended, or this sees the parent waiting.</summary>
    private async Task<Freed> SettleAsync(DbConnection connection, Guid id, DateTimeOffset now)
    {
        if (await connection.ExecuteAsync("UPDATE operations SET touched_at = @now WHERE id = @id AND state = 'running' AND owner IS NULL AND ending IS NOT NULL", new { id, now }) == 0) return Freed.Nothing;
        if (await connection.ExecuteScalarAsync<int>(ActiveParts, new { id }) > 0) return Freed.Nothing;
        var row = (await OperationStore.FindAsync(connection, id))!;
        if (row.Decided is not (OperationState.Succeeded or OperationState.Warning))
        {
            await OperationGate.MoveAsync(connection, id, OperationState.Running, OperationState.Queued, "queued_at = @now", new { now });
            return new Freed([new Ready(id, row.Attempt, null)], [id]);
        }
        var to = await BadPartsAsync(connection, id) ? OperationState.Warning : row.Decided.Value;
        await OperationGate.MoveAsync(connection, id, OperationState.Running, to, "ended_at = @now, ending = NULL", new { now });
        var after = await AfterAsync(connection, row, now);
        return after with { Changed = [id, .. after.Changed] };
    }

    private static async Task<bool> BadPartsAsync(DbConnection connection, Guid id) =>
        await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM operations WHERE parent_id = @id AND state IN ('warning', 'failed', 'cancelled', 'lost')", new { id }) > 0;
}
