using System.Data.Common;
using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Plugins.Registry;

/// <summary>The table <c>plugin_moments</c>: what each plug-in went through, bounded. It goes with its plug-in.</summary>
internal sealed class MomentStore(Db db)
{
    /// <summary>How many are kept of one plug-in.</summary>
    public const int Kept = 200;

    /// <summary>Writes down where it stands now, unless that is what was written last.</summary>
    public static async Task RecordAsync(DbConnection connection, Guid pluginId, DateTimeOffset now)
    {
        var written = await connection.ExecuteAsync(
            """
            INSERT INTO plugin_moments (id, plugin_id, at, state, health, reason, version)
            SELECT @id, p.id, @now, p.state, p.health, p.health_reason, p.version FROM plugins p
            WHERE p.id = @pluginId AND NOT EXISTS (
                SELECT 1 FROM plugin_moments m WHERE m.id = (SELECT id FROM plugin_moments WHERE plugin_id = p.id ORDER BY at DESC, id DESC LIMIT 1)
                AND m.state = p.state AND m.health = p.health AND m.version = p.version AND COALESCE(m.reason, '') = COALESCE(p.health_reason, ''))
            """,
            new { id = Guid.CreateVersion7(now), pluginId, now });
        if (written > 0) await TrimAsync(connection, pluginId);
    }

    /// <summary>Writes down something that happened to it without changing where it stands.</summary>
    public static async Task NoteAsync(DbConnection connection, Guid pluginId, DateTimeOffset now, string what)
    {
        await connection.ExecuteAsync(
            "INSERT INTO plugin_moments (id, plugin_id, at, state, health, reason, version) SELECT @id, p.id, @now, p.state, p.health, @what, p.version FROM plugins p WHERE p.id = @pluginId",
            new { id = Guid.CreateVersion7(now), pluginId, now, what });
        await TrimAsync(connection, pluginId);
    }

    private static Task TrimAsync(DbConnection connection, Guid pluginId) => connection.ExecuteAsync(
        "DELETE FROM plugin_moments WHERE plugin_id = @pluginId AND id NOT IN (SELECT id FROM plugin_moments WHERE plugin_id = @pluginId ORDER BY at DESC, id DESC LIMIT @Kept)", new { pluginId, Kept });

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<PluginMoment>> ListAsync(Guid pluginId, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var rows = await connection.QueryAsync<Row>("SELECT at, state, health, reason, version FROM plugin_moments WHERE plugin_id = @pluginId ORDER BY at DESC, id DESC", new { pluginId });
        return [.. rows.Select(r => new PluginMoment(r.At, EnumColumn.FromColumn<PluginState>(r.State), EnumColumn.FromColumn<HealthState>(r.Health), r.Reason, r.Version))];
    }

    private sealed record Row(DateTimeOffset At, string State, string Health, string? Reason, string Version);
}
