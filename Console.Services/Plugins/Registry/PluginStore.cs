using System.Data.Common;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Manifests;

namespace Quarterdeck.Plugins.Registry;

/// <summary>The table <c>plugins</c>: what lists and the life cycle need. Tokens are kept as hashes only.</summary>
internal sealed class PluginStore(Db db, TimeProvider time)
{
    private static readonly Dictionary<string, string> Sorts = new(StringComparer.Ordinal)
    {
        ["name"] = "LOWER(name)", ["key"] = "key", ["vendor"] = "LOWER(vendor)", ["version"] = "version", ["state"] = "state", ["createdAt"] = "created_at",
    };

    /// <summary>Adds a plug-in in the state deploying; the same appliance twice is one plug-in.</summary>
    /// <returns>Refused when another plug-in has the key.</returns>
    public async Task<Result<Guid>> AddAsync(PluginRow row, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        try
        {
            await connection.ExecuteAsync(
                """
                INSERT INTO plugins (id, appliance_id, operation_id, host_id, vm_id, key, name, vendor, version, description, capabilities, ui, manifest, manifest_digest, state, health, created_at, contributes, webhook, data_disks, approved_capabilities)
                VALUES (@Id, @ApplianceId, @OperationId, @HostId, @VmId, @Key, @Name, @Vendor, @Version, @Description, @Capabilities, @Ui, @Manifest, @ManifestDigest, @state, @health, @CreatedAt, @Contributes, @Webhook, @DataDisks, @ApprovedCapabilities)
                ON CONFLICT (appliance_id) DO NOTHING
                """,
                new
                {
                    row.Id, row.ApplianceId, row.OperationId, row.HostId, row.VmId, row.Key, row.Name, row.Vendor, row.Version, row.Description, row.Capabilities, row.Ui,
                    row.Manifest, row.ManifestDigest, state = row.State.ToColumn(), health = row.Health.ToColumn(), row.CreatedAt,
                    row.Contributes, row.Webhook, row.DataDisks, row.ApprovedCapabilities,
                });
        }
        catch (DbException e) when (Dialect.IsUniqueViolation(e)) { return KeyTaken(row.Key); }
        return await connection.ExecuteScalarAsync<Guid>("SELECT id FROM plugins WHERE appliance_id = @ApplianceId", new { row.ApplianceId });
    }

    public static Problem KeyTaken(string key) => Problem.Conflict("The plug-in is installed already", $"A plug-in with the key '{key}' is installed. Uninstall it first.");

    public async Task<PluginRow?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<PluginRow>($"SELECT {PluginRow.Columns} FROM plugins WHERE id = @id", new { id });
    }

    public async Task<PluginRow?> OfApplianceAsync(Guid applianceId, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<PluginRow>($"SELECT {PluginRow.Columns} FROM plugins WHERE appliance_id = @applianceId", new { applianceId });
    }

    public async Task<PluginRow?> OfVmAsync(Guid vmId, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QueryFirstOrDefaultAsync<PluginRow>($"SELECT {PluginRow.Columns} FROM plugins WHERE vm_id = @vmId ORDER BY created_at DESC", new { vmId });
    }

    public async Task<IReadOnlyList<Plugin>> LoadAsync(IReadOnlyList<string> keys, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. (await connection.QueryAsync<PluginRow>($"SELECT {PluginRow.Columns} FROM plugins WHERE id IN @keys", new { keys })).Select(r => r.ToPlugin())];
    }

    public async Task<Result<Page<Plugin>>> ListAsync(PageQuery page, CancellationToken cancellation)
    {
        var sort = page.Sort ?? "name";
        if (!Sorts.TryGetValue(sort.TrimStart('-'), out var column)) return Problem.Invalid("sort", $"Plug-ins cannot be sorted by '{sort}'.", $"Use one of: {string.Join(", ", Sorts.Keys)}.");
        var where = page.Search is { Length: > 0 } ? $"WHERE {db.Dialect.Like("name", "search")} OR {db.Dialect.Like("key", "search")} OR {db.Dialect.Like("vendor", "search")}" : "";
        var values = new { search = Dialect.Contains(page.Search ?? ""), size = page.Size, offset = page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>($"SELECT COUNT(*) FROM plugins {where}", values);
        var rows = await connection.QueryAsync<PluginRow>(
            $"SELECT {PluginRow.Columns} FROM plugins {where} ORDER BY {column} {(sort.StartsWith('-') ? "DESC" : "ASC")}, id LIMIT @size OFFSET @offset", values);
        return new Page<Plugin>([.. rows.Select(r => r.ToPlugin())], total, page.Number, page.Size);
    }

    /// <summary>Moves it from one of the states to another; false when it is in none of them.</summary>
    public Task<bool> MoveAsync(Guid id, IReadOnlyList<PluginState> from, PluginState to, string? reason, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var moved = await connection.ExecuteAsync(
            "UPDATE plugins SET state = @to, health_reason = @reason, health = CASE WHEN @to IN ('unreachable', 'disabled') THEN 'unknown' ELSE health END WHERE id = @id AND state IN @from",
            new { id, to = to.ToColumn(), from = from.Select(s => s.ToColumn()).ToArray(), reason }) == 1;
        if (moved) await MomentStore.RecordAsync(connection, id, time.GetUtcNow());
        return moved;
    }, cancellation);

    /// <summary>What the plug-in said about itself when its package had no manifest.</summary>
    public async Task<Result<Done>> DescribeAsync(Guid id, PluginManifest manifest, string digest, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var columns = ManifestColumns.Of(manifest);
        try
        {
            await connection.ExecuteAsync(
                """
                UPDATE plugins SET key = @Key, name = @Name, vendor = @Vendor, version = @Version, description = @Description, capabilities = @Capabilities, ui = @Ui,
                    contributes = @Contributes, webhook = @Webhook, data_disks = @DataDisks, manifest = @Json, manifest_digest = @digest WHERE id = @id
                """,
                new
                {
                    id, manifest.Key, manifest.Name, manifest.Vendor, manifest.Version, manifest.Description, columns.Capabilities, columns.Ui, columns.Contributes, columns.Webhook, columns.DataDisks,
                    manifest.Json, digest,
                });
        }
        catch (DbException e) when (Dialect.IsUniqueViolation(e)) { return KeyTaken(manifest.Key); }
        return Done.It;
    }

    public async Task RemoveAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync("DELETE FROM plugins WHERE id = @id", new { id });
    }

    /// <summary>Silent plug-ins become degraded, then unreachable; answers which changed.</summary>
    /// <param name="degraded">Last heard before: degraded.</param>
    /// <param name="unreachable">Last heard before: unreachable.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<IReadOnlyList<string>> SilenceAsync(DateTimeOffset degraded, DateTimeOffset unreachable, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var values = new { degraded, unreachable, ready = PluginState.Ready.ToColumn(), half = PluginState.Degraded.ToColumn(), gone = PluginState.Unreachable.ToColumn(), now = time.GetUtcNow() };
        var gone = await connection.QueryAsync<string>(
            "UPDATE plugins SET state = @gone, health = 'unknown', health_reason = CASE WHEN health = 'unknown' AND health_reason IS NOT NULL THEN health_reason ELSE 'It has been silent for long.' END WHERE state IN (@ready, @half) AND heartbeat_at < @unreachable RETURNING id", values);
        var half = await connection.QueryAsync<string>(
            "UPDATE plugins SET state = @half, health = 'unknown', health_reason = 'It has missed heartbeats.' WHERE state = @ready AND heartbeat_at < @degraded RETURNING id", values);
        string[] changed = [.. gone, .. half];
        foreach (var id in changed) await MomentStore.RecordAsync(connection, Guid.Parse(id), time.GetUtcNow());
        return changed;
    }
}
