using System.Data.Common;
using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Workers.Registry;

/// <summary>Reads what the data plane routes by: few queries, whatever the number of workers.</summary>
internal sealed class TableStore(Db db, PolicyStore policies)
{
    /// <summary>Workers by serial, or all.</summary>
    public async Task<IReadOnlyList<DeployedWorker>> WorkersAsync(IReadOnlyList<long>? serials, CancellationToken cancellation)
    {
        var ceilings = (await policies.ReadAsync(cancellation)).Ceilings;
        var (where, values) = serials is null ? ("", new object()) : ("WHERE w.serial IN @serials", new { serials });
        await using var connection = await db.OpenAsync(cancellation);
        var rows = (await connection.QueryAsync<Row>(new CommandDefinition($"""
            SELECT w.serial, w.name, w.tier, w.rollback, w.deployment, d.sticky, d.created_at, s.version, s.percent, v.limits, v.triggers, v.assets
            FROM workers w
            LEFT JOIN worker_deployments d ON d.serial = w.serial AND d.number = w.deployment
            LEFT JOIN worker_shares s ON s.serial = d.serial AND s.number = d.number
            LEFT JOIN worker_versions v ON v.serial = s.serial AND v.version = s.version
            {where} ORDER BY w.serial, s.version
            """, values, cancellationToken: cancellation))).AsList();
        var assets = rows.All(r => r.Assets is null) ? Enumerable.Empty<AssetRow>().ToLookup(a => new WorkerKey(a.Serial, a.Version)) : await AssetsAsync(connection, where, values, cancellation);
        // Thousands of workers have the same few limits: one object of each.
        var limits = new Dictionary<string, WorkerLimits>();
        WorkerLimits Limits(string text) => limits.TryGetValue(text, out var known) ? known : limits[text] = StoredJson.Read<WorkerLimits>(text).Within(ceilings);
        var triggers = new Dictionary<string, WorkerTriggers>();
        WorkerTriggers Triggers(string text) => triggers.TryGetValue(text, out var known) ? known : triggers[text] = StoredJson.Read<WorkerTriggers>(text);
        var found = new List<DeployedWorker>();
        for (var i = 0; i < rows.Count;)
        {
            var first = rows[i];
            var versions = new List<DeployedVersion>(2);
            for (; i < rows.Count && rows[i].Serial == first.Serial; i++)
            {
                if (rows[i] is not { Version: { } number, Percent: { } percent, Limits: { } own, Triggers: { } starts }) continue;
                var key = new WorkerKey(first.Serial, number);
                versions.Add(new DeployedVersion(key, key.ToString(), percent, Limits(own), AssetRow.Assets(rows[i].Assets, assets[key]), Triggers(starts)));
            }
            found.Add(new DeployedWorker(first.Serial, first.Name, first.Tier, versions, StoredJson.ReadOptional<StickyRule>(first.Sticky), StoredJson.ReadOptional<RollbackRule>(first.Rollback), first.Deployment, first.CreatedAt ?? default));
        }
        return found;
    }

    /// <summary>Zones by host name, or all.</summary>
    public async Task<IReadOnlyList<TableZone>> ZonesAsync(IReadOnlyList<string>? hostnames, CancellationToken cancellation)
    {
        var (where, values) = hostnames is null ? ("", new object()) : ("WHERE z.hostname IN @hostnames", new { hostnames });
        await using var connection = await db.OpenAsync(cancellation);
        var rows = await connection.QueryAsync<RouteRow>(new CommandDefinition(
            $"SELECT z.hostname, r.pattern, r.serial FROM zones z LEFT JOIN zone_routes r ON r.hostname = z.hostname {where} ORDER BY z.hostname", values, cancellationToken: cancellation));
        return [.. rows.GroupBy(r => r.Hostname).Select(zone => new TableZone(zone.Key,
            [.. zone.Where(r => r.Pattern is not null).Select(r => RoutePattern.ToTable(r.Pattern!, r.Serial!.Value)).Order(RoutePattern.MostSpecificFirst)]))];
    }

    private static async Task<ILookup<WorkerKey, AssetRow>> AssetsAsync(DbConnection connection, string where, object values, CancellationToken cancellation) =>
        (await connection.QueryAsync<AssetRow>(new CommandDefinition($"""
            SELECT a.serial, a.version, a.path, a.digest, a.content_type, a.bytes FROM workers w
            JOIN worker_shares s ON s.serial = w.serial AND s.number = w.deployment JOIN worker_assets a ON a.serial = s.serial AND a.version = s.version {where}
            """, values, cancellationToken: cancellation))).ToLookup(a => new WorkerKey(a.Serial, a.Version));

    private sealed record Row(
        long Serial, string Name, WorkerTier Tier, string? Rollback, int Deployment, string? Sticky, DateTimeOffset? CreatedAt, int? Version, int? Percent, string? Limits, string? Triggers, string? Assets);

    private sealed record RouteRow(string Hostname, string? Pattern, long? Serial);
}
