using System.Data.Common;
using System.Text.Json;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Manifests;

namespace Quarterdeck.Plugins.Registry;

/// <summary>A new version on trial, in the table <c>plugins</c>: the row says what the new version is, and holds what it said before, tokens included, until one of them is kept.</summary>
internal sealed class TrialStore(Db db, TimeProvider time)
{
    /// <summary>What is not put back: it belongs to the plug-in, not to a version, or is set anew.</summary>
    private static readonly HashSet<string> Fixed =
        ["id", "host_id", "vm_id", "key", "created_at", "state", "health", "health_reason", "health_at", "heartbeat_at", "upgrade_operation_id", "upgrade_to", "upgrade_heard_at", "upgrade_before"];

    /// <summary>From here the row is the new version's. The token of the old one still holds, as the appliance may find it on its data disk. Idempotent.</summary>
    /// <param name="id">The plug-in.</param>
    /// <param name="operationId">The upgrade.</param>
    /// <param name="manifest">The new version's.</param>
    /// <param name="digest">Its digest.</param>
    /// <param name="enrolmentHash">Hash of the enrolment token in the new environment.</param>
    /// <param name="approved">The capabilities approved for it.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task BeginAsync(Guid id, Guid operationId, PluginManifest manifest, string digest, string enrolmentHash, IReadOnlyList<string> approved, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        if (await RowAsync(connection, id) is not { } row || row["upgrade_operation_id"] is not null) return;
        var before = JsonSerializer.Serialize(row.Where(c => !Fixed.Contains(c.Key)).ToDictionary());
        var columns = ManifestColumns.Of(manifest);
        await connection.ExecuteAsync(
            """
            UPDATE plugins SET upgrade_operation_id = @operationId, upgrade_to = @Version, upgrade_heard_at = NULL, upgrade_before = @before,
                name = @Name, vendor = @Vendor, description = @Description, capabilities = @Capabilities, ui = @Ui, contributes = @Contributes, webhook = @Webhook, data_disks = @DataDisks,
                approved_capabilities = @approved, manifest = @Json, manifest_digest = @digest, enrolment_hash = @enrolmentHash, enrolment_expires_at = NULL, enrolled_at = NULL, enrolment_proof = NULL, heard_at = NULL,
                state = 'enrolling', health = 'unknown', health_reason = @reason
            WHERE id = @id
            """,
            new
            {
                id, operationId, before, manifest.Version, manifest.Name, manifest.Vendor, manifest.Description, columns.Capabilities, columns.Ui, columns.Contributes, columns.Webhook, columns.DataDisks,
                manifest.Json, digest, enrolmentHash, approved = JsonSerializer.Serialize(approved), reason = $"Version {manifest.Version} is being tried.",
            });
        await MomentStore.RecordAsync(connection, id, time.GetUtcNow());
    }, cancellation);

    /// <summary>Whether the new version has said that it is well.</summary>
    public async Task<bool> HeardAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<long?>("SELECT upgrade_heard_at FROM plugins WHERE id = @id", new { id }) is not null;
    }

    /// <summary>The point of no return: the new version is the plug-in. Idempotent; false when it was kept already.</summary>
    public Task<bool> KeepAsync(Guid id, Guid operationId, Guid applianceId, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        if (await RowAsync(connection, id) is not { } row || row["upgrade_before"] is not string before) return false;
        var enrolled = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(before)!["enrolled_at"];
        await connection.ExecuteAsync(
            """
            UPDATE plugins SET appliance_id = @applianceId, operation_id = @operationId, version = upgrade_to, enrolled_at = COALESCE(enrolled_at, @enrolledAt), enrolment_hash = NULL, enrolment_expires_at = NULL,
                upgrade_operation_id = NULL, upgrade_to = NULL, upgrade_heard_at = NULL, upgrade_before = NULL
            WHERE id = @id
            """, new { id, operationId, applianceId, enrolledAt = Value(enrolled) });
        await MomentStore.RecordAsync(connection, id, time.GetUtcNow());
        return true;
    }, cancellation);

    /// <summary>Whether an upgrade to this appliance was kept.</summary>
    public async Task<bool> KeptAsync(Guid id, Guid applianceId, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM plugins WHERE id = @id AND appliance_id = @applianceId", new { id, applianceId }) == 1;
    }

    /// <summary>The row is the old version's again, with the tokens it had. Idempotent; false when nothing was on trial.</summary>
    public Task<bool> TakeBackAsync(Guid id, Guid operationId, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        if (await RowAsync(connection, id) is not { } row || row["upgrade_before"] is not string text || !Same(row["upgrade_operation_id"], operationId)) return false;
        var before = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(text)!;
        var values = new DynamicParameters(new { id, now = time.GetUtcNow(), reason = $"The upgrade to {row["upgrade_to"]} did not succeed: the version before runs again and has not been heard yet." });
        foreach (var (column, value) in before) values.Add(column, Value(value));
        await connection.ExecuteAsync(
            $"UPDATE plugins SET {string.Join(", ", before.Keys.Select(c => $"{c} = @{c}"))}, state = 'unreachable', health = 'unknown', health_reason = @reason, heartbeat_at = @now, upgrade_operation_id = NULL, upgrade_to = NULL, upgrade_heard_at = NULL, upgrade_before = NULL WHERE id = @id",
            values);
        await MomentStore.RecordAsync(connection, id, time.GetUtcNow());
        return true;
    }, cancellation);

    private async Task<IDictionary<string, object?>?> RowAsync(DbConnection connection, Guid id) =>
        (IDictionary<string, object?>?)await connection.QuerySingleOrDefaultAsync($"SELECT * FROM plugins WHERE id = @id {db.Dialect.ForUpdate}", new { id });

    private static object? Value(JsonElement value) => value.ValueKind switch { JsonValueKind.Number => value.GetInt64(), JsonValueKind.String => value.GetString(), _ => null };

    private static bool Same(object? stored, Guid id) => string.Equals(stored?.ToString(), id.ToString("D"), StringComparison.OrdinalIgnoreCase);
}
