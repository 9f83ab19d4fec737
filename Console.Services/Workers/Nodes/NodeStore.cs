using System.Text.Json;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers.Nodes;

/// <summary>What one node said last.</summary>
/// <param name="Id">A start of its process.</param>
/// <param name="Node">Its name.</param>
/// <param name="Servers">Its compute servers then.</param>
/// <param name="SeenAt">When, by its own clock.</param>
internal sealed record NodeReport(string Id, string Node, IReadOnlyList<ComputeServerInfo> Servers, DateTimeOffset SeenAt);

/// <summary>The table <c>worker_nodes</c>.</summary>
internal sealed class NodeStore(Db db, TimeProvider time)
{
    public async Task SayAsync(string id, string node, IReadOnlyList<ComputeServerInfo> servers, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("""
            INSERT INTO worker_nodes (id, node, servers, seen_at) VALUES (@id, @node, @servers, @now)
            ON CONFLICT (id) DO UPDATE SET servers = excluded.servers, seen_at = excluded.seen_at
            """, new { id, node, servers = StoredJson.Write(servers), now = time.GetUtcNow() }, cancellationToken: cancellation));
    }

    public async Task<IReadOnlyList<NodeReport>> ReadAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var rows = await connection.QueryAsync<Row>(new CommandDefinition("SELECT id, node, servers, seen_at FROM worker_nodes ORDER BY node, id", cancellationToken: cancellation));
        return [.. rows.Select(r => new NodeReport(r.Id, r.Node, StoredJson.Read<List<ComputeServerInfo>>(r.Servers), r.SeenAt))];
    }

    /// <summary>Forgets a node that ended, and those that nobody heard of since a time.</summary>
    public async Task ForgetAsync(string? id, DateTimeOffset before, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM worker_nodes WHERE id = @id OR seen_at < @before", new { id, before }, cancellationToken: cancellation));
    }

    private sealed record Row(string Id, string Node, string Servers, DateTimeOffset SeenAt);
}
