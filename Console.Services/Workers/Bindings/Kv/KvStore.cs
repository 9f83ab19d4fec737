using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Workers.Bindings.Kv;

/// <summary>A value with what belongs to it.</summary>
internal sealed record KvEntry(byte[] Value, string? Metadata, DateTimeOffset? ExpiresAt);

/// <summary>A key of a list.</summary>
internal sealed record KvName(byte[] Name, string? Metadata, DateTimeOffset? ExpiresAt);

/// <summary>The table <c>worker_kv</c>. What has expired is not there, whether or not it was swept.</summary>
internal sealed class KvStore(Db db, TimeProvider time)
{
    public async Task<KvEntry?> FindAsync(string space, byte[] name, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<KvEntry>(new CommandDefinition("""
            SELECT value, metadata, expires_at FROM worker_kv WHERE namespace = @space AND name = @name AND (expires_at IS NULL OR expires_at > @now)
            """, new { space, name, now = time.GetUtcNow() }, cancellationToken: cancellation));
    }

    public async Task PutAsync(string space, byte[] name, KvEntry entry, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("""
            INSERT INTO worker_kv (namespace, name, value, metadata, expires_at) VALUES (@space, @name, @Value, @Metadata, @ExpiresAt)
            ON CONFLICT (namespace, name) DO UPDATE SET value = excluded.value, metadata = excluded.metadata, expires_at = excluded.expires_at
            """, new { space, name, entry.Value, entry.Metadata, entry.ExpiresAt }, cancellationToken: cancellation));
    }

    public async Task DeleteAsync(string space, byte[] name, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM worker_kv WHERE namespace = @space AND name = @name", new { space, name }, cancellationToken: cancellation));
    }

    /// <summary>Keys in order.</summary>
    /// <param name="space">The namespace.</param>
    /// <param name="from">The first that may be listed: the prefix, or what follows the last one listed.</param>
    /// <param name="end">The first that may not; null for no end.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<IReadOnlyList<KvName>> ListAsync(string space, byte[] from, byte[]? end, int limit, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<KvName>(new CommandDefinition($"""
            SELECT name, metadata, expires_at FROM worker_kv
            WHERE namespace = @space AND name >= @from {(end is null ? "" : "AND name < @end")} AND (expires_at IS NULL OR expires_at > @now)
            ORDER BY name LIMIT @limit
            """, new { space, from, end, limit, now = time.GetUtcNow() }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>Removes what has expired; answers how many.</summary>
    public async Task<int> SweepAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteAsync(new CommandDefinition("DELETE FROM worker_kv WHERE expires_at <= @now", new { now = time.GetUtcNow() }, cancellationToken: cancellation));
    }
}
