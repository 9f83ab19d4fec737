using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Workers.Nodes;

/// <summary>What a worker did on one node, on its way to another.</summary>
/// <param name="Serial">The worker.</param>
/// <param name="Version">Its version.</param>
/// <param name="Events">As <see cref="ITailSink.Publish"/> takes them, as text.</param>
/// <param name="Lost">Runs left out before these.</param>
internal sealed record ReportedRuns(long Serial, int Version, string Events, long Lost)
{
    /// <summary>Its number; 0 before it is stored.</summary>
    public long Id { get; init; }
}

/// <summary>The tables <c>worker_watches</c> and <c>worker_runs</c>.</summary>
internal sealed class WatchStore(Db db, NodeName name, TimeProvider time)
{
    /// <summary>Notes that this node watches these workers, for a while, and the last reported run of now.</summary>
    public async Task<long> WatchAsync(IReadOnlyCollection<long> serials, TimeSpan lease, CancellationToken cancellation) => await db.TransactionAsync(async connection =>
    {
        foreach (var serial in serials.Order())
            await connection.ExecuteAsync("""
                INSERT INTO worker_watches (serial, watcher, until) VALUES (@serial, @Id, @until) ON CONFLICT (serial, watcher) DO UPDATE SET until = excluded.until
                """, new { serial, name.Id, until = time.GetUtcNow() + lease });
        return await connection.ExecuteScalarAsync<long>("SELECT coalesce(MAX(id), 0) FROM worker_runs");
    }, cancellation);

    /// <summary>Notes that this node watches them no more; null for all.</summary>
    public async Task EndAsync(IReadOnlyCollection<long>? serials, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            $"DELETE FROM worker_watches WHERE watcher = @Id {(serials is null ? "" : "AND serial IN @serials")}", new { name.Id, serials }, cancellationToken: cancellation));
    }

    /// <summary>Of these workers, or of all, those that other nodes watch.</summary>
    public async Task<IReadOnlyList<long>> WatchedAsync(IReadOnlyList<long>? serials, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<long>(new CommandDefinition($"""
            SELECT DISTINCT serial FROM worker_watches WHERE watcher <> @Id AND until > @now {(serials is null ? "" : "AND serial IN @serials")}
            """, new { name.Id, now = time.GetUtcNow(), serials }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>Stores what other nodes are to be told.</summary>
    public Task ReportAsync(IReadOnlyList<ReportedRuns> runs, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        foreach (var one in runs)
            await connection.ExecuteAsync("INSERT INTO worker_runs (serial, version, reporter, events, lost, at) VALUES (@Serial, @Version, @reporter, @Events, @Lost, @now)",
                new { one.Serial, one.Version, reporter = name.Id, one.Events, one.Lost, now = time.GetUtcNow() });
    }, cancellation);

    /// <summary>What other nodes reported of a worker after a number, in order.</summary>
    public async Task<IReadOnlyList<ReportedRuns>> ReadAsync(long serial, long after, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<Row>(new CommandDefinition(
            "SELECT id, serial, version, events, lost FROM worker_runs WHERE serial = @serial AND id > @after AND reporter <> @Id ORDER BY id LIMIT 2000", new { serial, after, name.Id }, cancellationToken: cancellation)))
            .Select(r => new ReportedRuns(r.Serial, r.Version, r.Events, r.Lost) { Id = r.Id }).ToList();
    }

    /// <summary>Forgets runs that everybody has read by now, and watchers who did not say goodbye.</summary>
    public async Task SweepAsync(TimeSpan kept, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var now = time.GetUtcNow();
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM worker_runs WHERE at < @before", new { before = now - kept }, cancellationToken: cancellation));
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM worker_watches WHERE until < @before", new { before = now - kept }, cancellationToken: cancellation));
    }

    private sealed record Row(long Id, long Serial, int Version, string Events, long Lost);
}
