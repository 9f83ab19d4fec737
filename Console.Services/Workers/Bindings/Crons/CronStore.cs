using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Workers.Bindings.Crons;

/// <summary>The table <c>worker_cron_runs</c>.</summary>
internal sealed class CronStore(Db db, TimeProvider time)
{
    /// <summary>How long past runs are kept.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(7);

    /// <summary>Takes a due run for a node; false when another one has it already, or the worker is gone.</summary>
    public async Task<bool> TakeAsync(WorkerKey key, string cron, DateTimeOffset due, string node, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteAsync(new CommandDefinition("""
            INSERT INTO worker_cron_runs (serial, cron, due_at, version, node, begun_at) SELECT serial, @cron, @due, @Version, @node, @now FROM workers WHERE serial = @Serial
            ON CONFLICT (serial, cron, due_at) DO NOTHING
            """, new { key.Serial, key.Version, cron, due, node, now = time.GetUtcNow() }, cancellationToken: cancellation)) == 1;
    }

    /// <summary>Takes one run whose node has said nothing for longer than a run may take; null when there is none.</summary>
    public async Task<CronRun?> TakeLeftAsync(DateTimeOffset begunBefore, string node, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QueryFirstOrDefaultAsync<CronRun>(new CommandDefinition("""
            UPDATE worker_cron_runs SET node = @node, begun_at = @now
            WHERE ended_at IS NULL AND begun_at < @begunBefore AND (serial, cron, due_at) IN (SELECT serial, cron, due_at FROM worker_cron_runs WHERE ended_at IS NULL AND begun_at < @begunBefore ORDER BY due_at LIMIT 1)
            RETURNING serial, cron, due_at, version, node, begun_at, ended_at, outcome
            """, new { begunBefore, node, now = time.GetUtcNow() }, cancellationToken: cancellation));
    }

    /// <summary>Writes down how a run ended.</summary>
    public async Task EndAsync(long serial, string cron, DateTimeOffset due, string outcome, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("UPDATE worker_cron_runs SET ended_at = @now, outcome = @outcome WHERE serial = @serial AND cron = @cron AND due_at = @due",
            new { serial, cron, due, outcome, now = time.GetUtcNow() }, cancellationToken: cancellation));
    }

    /// <summary>The newest runs of a worker.</summary>
    public async Task<IReadOnlyList<CronRun>> NewestAsync(long serial, int most, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<CronRun>(new CommandDefinition("""
            SELECT serial, cron, due_at, version, node, begun_at, ended_at, outcome FROM worker_cron_runs WHERE serial = @serial ORDER BY due_at DESC, cron LIMIT @most
            """, new { serial, most }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>Removes old runs.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM worker_cron_runs WHERE due_at < @before", new { before = time.GetUtcNow() - Kept }, cancellationToken: cancellation));
    }
}
