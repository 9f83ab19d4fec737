using System.Data.Common;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Registry;

/// <summary>The tables <c>zones</c> and <c>zone_routes</c>.</summary>
internal sealed class ZoneStore(Db db, TimeProvider time)
{
    /// <summary>What lists may be sorted by.</summary>
    public static readonly IReadOnlyDictionary<string, string> Sorts = new Dictionary<string, string>(StringComparer.Ordinal) { ["hostname"] = "hostname", ["createdAt"] = "created_at", ["changedAt"] = "changed_at" };

    public async Task<Page<Zone>> ListAsync(PageQuery page, CancellationToken cancellation)
    {
        var sort = page.Sort ?? "hostname";
        var where = page.Search is { Length: > 0 } ? $"WHERE {db.Dialect.Like("hostname", "search")}" : "";
        var values = new { search = Dialect.Contains(page.Search ?? ""), size = page.Size, offset = page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT COUNT(*) FROM zones {where}", values, cancellationToken: cancellation));
        return new Page<Zone>(await QueryAsync(
            connection, $"{where} ORDER BY {Sorts[sort.TrimStart('-')]} {(sort.StartsWith('-') ? "DESC" : "ASC")}, hostname LIMIT @size OFFSET @offset", values, cancellation), total, page.Number, page.Size);
    }

    public async Task<Zone?> FindAsync(string hostname, CancellationToken cancellation) => (await LoadAsync([hostname], cancellation)).SingleOrDefault();

    public async Task<IReadOnlyList<Zone>> LoadAsync(IReadOnlyList<string> hostnames, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await QueryAsync(connection, "WHERE hostname IN @hostnames", new { hostnames }, cancellation);
    }

    /// <summary>Makes a zone or replaces its routes; answers whether it is new.</summary>
    /// <exception cref="DbException">A worker was deleted meanwhile.</exception>
    public Task<bool> PutAsync(string hostname, IReadOnlyList<(string Pattern, long Serial)> routes, Func<DbConnection, Task> alongside, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var now = time.GetUtcNow();
        var known = await connection.ExecuteAsync("UPDATE zones SET changed_at = @now WHERE hostname = @hostname", new { hostname, now }) == 1;
        if (!known) await connection.ExecuteAsync("INSERT INTO zones (hostname, created_at, changed_at) VALUES (@hostname, @now, @now)", new { hostname, now });
        await connection.ExecuteAsync("DELETE FROM zone_routes WHERE hostname = @hostname", new { hostname });
        await connection.ExecuteAsync("INSERT INTO zone_routes (hostname, pattern, serial) VALUES (@hostname, @pattern, @serial)", routes.Select(r => new { hostname, pattern = r.Pattern, serial = r.Serial }));
        await alongside(connection);
        return !known;
    }, cancellation);

    public Task DeleteAsync(string hostname, Func<DbConnection, Task> alongside, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        await connection.ExecuteAsync("DELETE FROM zones WHERE hostname = @hostname", new { hostname });
        await alongside(connection);
    }, cancellation);

    private static async Task<IReadOnlyList<Zone>> QueryAsync(DbConnection connection, string clauses, object values, CancellationToken cancellation)
    {
        var rows = (await connection.QueryAsync<Row>(new CommandDefinition($"SELECT hostname, created_at, changed_at FROM zones {clauses}", values, cancellationToken: cancellation))).AsList();
        if (rows.Count == 0) return [];
        var routes = (await connection.QueryAsync<RouteRow>(new CommandDefinition(
            "SELECT r.hostname, r.pattern, w.name FROM zone_routes r JOIN workers w ON w.serial = r.serial WHERE r.hostname IN @hostnames ORDER BY r.pattern",
            new { hostnames = rows.Select(r => r.Hostname).ToArray() }, cancellationToken: cancellation))).ToLookup(r => r.Hostname);
        return [.. rows.Select(r => new Zone(r.Hostname, [.. routes[r.Hostname].Select(x => new ZoneRoute(x.Pattern, x.Name))], r.CreatedAt, r.ChangedAt))];
    }

    private sealed record Row(string Hostname, DateTimeOffset CreatedAt, DateTimeOffset ChangedAt);

    private sealed record RouteRow(string Hostname, string Pattern, string Name);
}
