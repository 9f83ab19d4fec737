using System.Data.Common;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Registry;

/// <summary>Who put a worker where it is, and so who may bring it back.</summary>
internal enum TierCause { Trust, Strikes, Hand }

/// <summary>The table <c>workers</c>.</summary>
internal sealed class WorkerStore(Db db, TimeProvider time)
{
    private const string Columns = """
        w.serial, w.id, w.name, w.trusted, w.tier, w.tier_cause, w.tier_reason, w.tier_until, w.latest_version, w.deployment, w.rollback, w.created_by, w.created_at, w.changed_at
        """;

    /// <summary>What lists may be sorted by.</summary>
    public static readonly IReadOnlyDictionary<string, string> Sorts = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["name"] = "name", ["serial"] = "serial", ["tier"] = "tier", ["latestVersion"] = "latest_version", ["createdAt"] = "created_at", ["changedAt"] = "changed_at",
    };

    public async Task<Page<Worker>> ListAsync(PageQuery page, CancellationToken cancellation)
    {
        var sort = page.Sort ?? "name";
        var where = page.Search is { Length: > 0 } ? $"WHERE {db.Dialect.Like("w.name", "search")}" : "";
        var values = new { search = Dialect.Contains(page.Search ?? ""), size = page.Size, offset = page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT COUNT(*) FROM workers w {where}", values, cancellationToken: cancellation));
        var order = $"ORDER BY w.{Sorts[sort.TrimStart('-')]} {(sort.StartsWith('-') ? "DESC" : "ASC")}, w.serial LIMIT @size OFFSET @offset";
        return new Page<Worker>(await QueryAsync(connection, $"{where} {order}", values, cancellation), total, page.Number, page.Size);
    }

    public async Task<Worker?> FindAsync(string name, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await QueryAsync(connection, "WHERE w.name = @name", new { name }, cancellation)).SingleOrDefault();
    }

    public async Task<Worker?> FindAsync(long serial, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await QueryAsync(connection, "WHERE w.serial = @serial", new { serial }, cancellation)).SingleOrDefault();
    }

    public async Task<IReadOnlyList<Worker>> LoadAsync(IReadOnlyList<string> ids, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await QueryAsync(connection, "WHERE w.id IN @ids", new { ids }, cancellation);
    }

    /// <summary>Workers that strikes set apart, and those that are off, the last change first; at most 100.</summary>
    public async Task<IReadOnlyList<Worker>> ApartAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await QueryAsync(connection, "WHERE w.tier = @off OR w.tier_cause = @strikes ORDER BY w.changed_at DESC, w.serial LIMIT 100", new { off = WorkerTier.Off.ToColumn(), strikes = TierCause.Strikes.ToColumn() }, cancellation);
    }

    /// <summary>Serial numbers by name; names that no worker has are left out.</summary>
    public async Task<IReadOnlyDictionary<string, long>> SerialsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation)
    {
        if (names.Count == 0) return new Dictionary<string, long>();
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<Named>(new CommandDefinition("SELECT name, serial FROM workers WHERE name IN @names", new { names }, cancellationToken: cancellation))).ToDictionary(n => n.Name, n => n.Serial);
    }

    /// <summary>Makes a worker unless there is one of that name; inside the transaction of its first version.</summary>
    public async Task<long> EnsureAsync(DbConnection connection, string name, bool trusted, string by)
    {
        var now = time.GetUtcNow();
        await connection.ExecuteAsync("""
            INSERT INTO workers (id, name, trusted, tier, tier_cause, tier_reason, latest_version, deployment, created_by, created_at, changed_at)
            VALUES (@id, @name, @trusted, @tier, @cause, @reason, 0, 0, @by, @now, @now) ON CONFLICT (name) DO NOTHING
            """, new
        {
            id = Guid.CreateVersion7(now), name, trusted, by, now, tier = (trusted ? WorkerTier.Shared : WorkerTier.Cordon).ToColumn(),
            cause = trusted ? null : TierCause.Trust.ToColumn(), reason = trusted ? null : TierWords.Untrusted(by),
        });
        return await connection.QuerySingleAsync<long>("SELECT serial FROM workers WHERE name = @name", new { name });
    }

    /// <summary>Moves a worker; false when there is none of that number.</summary>
    /// <param name="serial">The worker.</param>
    /// <param name="tier">Where to.</param>
    /// <param name="cause">Who moves it; null with <see cref="WorkerTier.Shared"/>.</param>
    /// <param name="reason">In words, for people; null with <see cref="WorkerTier.Shared"/>.</param>
    /// <param name="until">When it goes back by itself.</param>
    /// <param name="alongside">Written in the same transaction, such as the audit entry.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task<bool> SetTierAsync(long serial, WorkerTier tier, TierCause? cause, string? reason, DateTimeOffset? until, Func<DbConnection, Task> alongside, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var changed = await connection.ExecuteAsync(
            "UPDATE workers SET tier = @tier, tier_cause = @cause, tier_reason = @reason, tier_until = @until, changed_at = @now WHERE serial = @serial",
            new { serial, tier = tier.ToColumn(), cause = cause?.ToColumn(), reason, until, now = time.GetUtcNow() });
        if (changed == 1) await alongside(connection);
        return changed == 1;
    }, cancellation);

    /// <summary>Notes whether a worker is trusted; one that is not leaves the shared shards, and one that was there for want of trust alone comes back.</summary>
    public async Task TrustAsync(DbConnection connection, long serial, bool trusted, string by)
    {
        var now = time.GetUtcNow();
        await connection.ExecuteAsync("UPDATE workers SET trusted = @trusted, changed_at = @now WHERE serial = @serial AND trusted <> @trusted", new { serial, trusted, now });
        if (trusted)
            await connection.ExecuteAsync("""
                UPDATE workers SET tier = 'shared', tier_cause = NULL, tier_reason = NULL, tier_until = NULL WHERE serial = @serial AND tier = 'cordon' AND tier_cause = 'trust'
                """, new { serial });
        else
            await connection.ExecuteAsync("""
                UPDATE workers SET tier = 'cordon', tier_cause = 'trust', tier_reason = @reason, tier_until = NULL WHERE serial = @serial AND tier = 'shared'
                """, new { serial, reason = TierWords.Untrusted(by) });
    }

    /// <summary>The same by hand, in a transaction of its own.</summary>
    public Task TrustAsync(long serial, bool trusted, string by, Func<DbConnection, Task> alongside, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        await TrustAsync(connection, serial, trusted, by);
        await alongside(connection);
    }, cancellation);

    public Task SetRollbackAsync(long serial, RollbackRule? rule, Func<DbConnection, Task> alongside, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        await connection.ExecuteAsync("UPDATE workers SET rollback = @rule, changed_at = @now WHERE serial = @serial", new { serial, rule = StoredJson.WriteOptional(rule), now = time.GetUtcNow() });
        await alongside(connection);
    }, cancellation);

    /// <summary>Deletes a worker with all that is its own; its routes' zones are answered.</summary>
    public Task<IReadOnlyList<string>> DeleteAsync(long serial, Func<DbConnection, Task> alongside, CancellationToken cancellation) => db.TransactionAsync<IReadOnlyList<string>>(async connection =>
    {
        var zones = (await connection.QueryAsync<string>("SELECT DISTINCT hostname FROM zone_routes WHERE serial = @serial", new { serial })).AsList();
        await connection.ExecuteAsync("DELETE FROM workers WHERE serial = @serial", new { serial });
        await alongside(connection);
        return zones;
    }, cancellation);

    private static async Task<IReadOnlyList<Worker>> QueryAsync(DbConnection connection, string clauses, object values, CancellationToken cancellation)
    {
        var rows = (await connection.QueryAsync<WorkerRow>(new CommandDefinition($"SELECT {Columns} FROM workers w {clauses}", values, cancellationToken: cancellation))).AsList();
        var deployed = await DeploymentStore.CurrentAsync(connection, [.. rows.Where(r => r.Deployment > 0).Select(r => r.Serial)], cancellation);
        return [.. rows.Select(r => r.ToWorker(deployed.GetValueOrDefault(r.Serial)))];
    }

    private sealed record Named(string Name, long Serial);
}
