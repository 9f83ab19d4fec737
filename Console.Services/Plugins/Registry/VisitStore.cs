using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Plugins.Registry;

/// <summary>The table <c>plugin_tickets</c>.</summary>
internal sealed class VisitStore(Db db, TimeProvider time)
{
    public Task AddAsync(string hash, Guid pluginId, Guid session, DateTimeOffset expires, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var now = time.GetUtcNow();
        await connection.ExecuteAsync("DELETE FROM plugin_tickets WHERE expires_at <= @now", new { now });
        await connection.ExecuteAsync("INSERT INTO plugin_tickets (hash, plugin_id, session_id, created_at, expires_at) VALUES (@hash, @pluginId, @session, @now, @expires)", new { hash, pluginId, session, now, expires });
    }, cancellation);

    /// <summary>The ticket, unless it has expired; one that would end before <paramref name="renew"/> is prolonged until <paramref name="until"/>.</summary>
    public async Task<VisitRow?> FindAsync(string hash, DateTimeOffset renew, DateTimeOffset until, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var row = await connection.QuerySingleOrDefaultAsync<VisitRow>("SELECT plugin_id, session_id, expires_at FROM plugin_tickets WHERE hash = @hash AND expires_at > @now", new { hash, now = time.GetUtcNow() });
        if (row is null || row.ExpiresAt >= renew) return row;
        await connection.ExecuteAsync("UPDATE plugin_tickets SET expires_at = @until WHERE hash = @hash", new { hash, until });
        return row with { ExpiresAt = until };
    }

    /// <summary>Ends all tickets of a plug-in: what was opened before it was disabled must not come back with it.</summary>
    public async Task RevokeAsync(Guid pluginId, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync("DELETE FROM plugin_tickets WHERE plugin_id = @pluginId", new { pluginId });
    }
}

/// <summary>A ticket: which plug-in it opens, for which login session, until when.</summary>
internal sealed record VisitRow(Guid PluginId, Guid SessionId, DateTimeOffset ExpiresAt);
