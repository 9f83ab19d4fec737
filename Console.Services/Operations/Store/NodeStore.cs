using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Operations.Store;

/// <summary>A row of <c>nodes</c>.</summary>
internal sealed record NodeRow(string Name, Guid Token, long Beat);

/// <summary>Which nodes live, and which operations have lost theirs.</summary>
internal sealed class NodeStore(Db db, TimeProvider time)
{
    /// <summary>Enters this process under its name; an earlier process of that name is thereby gone.</summary>
    public async Task EnterAsync(string name, Guid token, CancellationToken cancellation)
    {
        await db.TransactionAsync(connection => connection.ExecuteAsync("""
            INSERT INTO nodes (name, token, beat, beaten_at, started_at) VALUES (@name, @token, 1, @now, @now)
            ON CONFLICT (name) DO UPDATE SET token = @token, beat = 1, beaten_at = @now, started_at = @now
            """, new { name, token, now = time.GetUtcNow() }), cancellation);
    }

    /// <summary>SQLite serves one process: every other node is gone.</summary>
    public async Task ForgetOthersAsync(string name, CancellationToken cancellation)
    {
        if (db.Dialect.Engine is not DatabaseEngine.Sqlite) return;
        await db.TransactionAsync(connection => connection.ExecuteAsync("DELETE FROM nodes WHERE name <> @name", new { name }), cancellation);
    }

    /// <summary>Says that this node lives; false when the others have given it up.</summary>
    public async Task<bool> BeatAsync(string name, Guid token, CancellationToken cancellation) => await db.TransactionAsync(connection =>
        connection.ExecuteAsync("UPDATE nodes SET beat = beat + 1, beaten_at = @now WHERE name = @name AND token = @token", new { name, token, now = time.GetUtcNow() }), cancellation) == 1;

    public async Task<IReadOnlyList<NodeRow>> ListAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<NodeRow>("SELECT name, token, beat FROM nodes")];
    }

    /// <summary>Strikes a node out unless it beat meanwhile.</summary>
    public async Task<bool> StrikeAsync(NodeRow node, CancellationToken cancellation) => await db.TransactionAsync(connection =>
        connection.ExecuteAsync("DELETE FROM nodes WHERE name = @Name AND token = @Token AND beat = @Beat", node), cancellation) == 1;

    /// <summary>Takes this process off the list; what it left running belongs to the others at once.</summary>
    public Task LeaveAsync(Guid token, CancellationToken cancellation) =>
        db.TransactionAsync(connection => connection.ExecuteAsync("DELETE FROM nodes WHERE token = @token", new { token }), cancellation);

    /// <summary>Running operations whose node is gone, and those of this node (the caller knows which of them it really runs).</summary>
    public async Task<IReadOnlyList<OperationRow>> OrphansAsync(Guid own, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<OperationRow>($"""
            SELECT {OperationRow.Columns} FROM operations WHERE state = 'running' AND owner IS NOT NULL AND (owner = @own OR owner NOT IN (SELECT token FROM nodes))
            """, new { own })];
    }

    /// <summary>Operations of this node that somebody wants cancelled.</summary>
    public async Task<IReadOnlyList<Guid>> CancelledAsync(Guid own, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<Guid>("SELECT id FROM operations WHERE state = 'running' AND owner = @own AND cancel_requested", new { own })];
    }
}
