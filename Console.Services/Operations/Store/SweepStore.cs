using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Operations.Store;

/// <summary>Finds what a crash between two steps of bookkeeping may have left, and removes what is old.</summary>
internal sealed class SweepStore(Db db, TimeProvider time)
{
    private const int AtOnce = 500;

    /// <summary>Queued operations that may run but have not been touched for a while: perhaps the job engine was never told. Oldest first.</summary>
    public async Task<IReadOnlyList<Ready>> WaitingAsync(TimeSpan untouched, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var now = time.GetUtcNow();
        return [.. await connection.QueryAsync<Ready>("""
            SELECT id, attempt, not_before FROM operations
            WHERE state = 'queued' AND granted AND touched_at < @before AND (not_before IS NULL OR not_before < @before) ORDER BY id LIMIT @AtOnce
            """, new { before = now - untouched, AtOnce })];
    }

    /// <summary>Grants locks that nothing is in the way of; finds any only after a crash.</summary>
    public Task<IReadOnlyList<Ready>> GrantAsync(CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        await LockStore.MutexAsync(connection, db.Dialect);
        await connection.ExecuteAsync("DELETE FROM operation_locks WHERE operation_id IN (SELECT l.operation_id FROM operation_locks l JOIN operations o ON o.id = l.operation_id WHERE o.state NOT IN ('queued', 'running'))");
        return await LockStore.GrantAsync(connection, null);
    }, cancellation);

    /// <summary>Operations that wait for their parts although none is active.</summary>
    public async Task<IReadOnlyList<Guid>> UnsettledAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<Guid>("""
            SELECT id FROM operations p WHERE state = 'running' AND owner IS NULL AND ending IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM operations c WHERE c.parent_id = p.id AND c.state IN ('queued', 'running'))
            """)];
    }

    /// <summary>Removes ended operations that are too old or too many, with steps, notes and log; returns their ids.</summary>
    public async Task<IReadOnlyList<Guid>> RetireAsync(int days, int count, CancellationToken cancellation)
    {
        var gone = new List<Guid>();
        for (; ; )
        {
            var batch = await db.TransactionAsync(async connection => (await connection.QueryAsync<Guid>("""
                DELETE FROM operations WHERE id IN (
                    SELECT id FROM operations o WHERE ended_at IS NOT NULL
                    AND (ended_at < @before OR ended_at < COALESCE((SELECT ended_at FROM operations WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 1 OFFSET @count), 0))
                    AND NOT EXISTS (SELECT 1 FROM operations p WHERE p.id = o.parent_id AND p.state IN ('queued', 'running'))
                    ORDER BY ended_at LIMIT @AtOnce)
                RETURNING id
                """, new { before = time.GetUtcNow().AddDays(-days), count = Math.Max(0, count - 1), AtOnce })).ToArray(), cancellation);
            gone.AddRange(batch);
            if (batch.Length < AtOnce) return gone;
        }
    }
}
