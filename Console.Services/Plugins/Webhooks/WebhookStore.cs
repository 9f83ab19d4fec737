using System.Text.Json;
using System.Text.Json.Serialization;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Plugins.Registry;
using Quarterdeck.Secrets;

namespace Quarterdeck.Plugins.Webhooks;

/// <summary>The table <c>plugin_events</c>: what each plug-in is still to be told, in order and bounded. It goes with its plug-in.</summary>
internal sealed class WebhookStore(Db db, SecretBox secrets, TimeProvider time)
{
    /// <summary>How many events wait for one plug-in at most; then the oldest are given up.</summary>
    public const int Waiting = 1000;

    private const string Purpose = "plugins.webhook", Secret = "qdw_";
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    /// <summary>The secret that its events are signed with, made when there is none yet.</summary>
    public async Task<string> SecretAsync(Guid pluginId, CancellationToken cancellation)
    {
        if (await FindSecretAsync(pluginId, cancellation) is { } known) return known;
        await using (var connection = await db.OpenAsync(cancellation))
            await connection.ExecuteAsync("UPDATE plugins SET webhook_secret = @stored WHERE id = @pluginId AND webhook_secret IS NULL", new { pluginId, stored = secrets.Protect(Purpose, TokenText.New(Secret)) });
        return (await FindSecretAsync(pluginId, cancellation))!;
    }

    /// <summary>Puts an event into the queues of all plug-ins that chose it and may see its subject; answers whose oldest events had to go.</summary>
    public Task<IReadOnlyList<Guid>> AddAsync(WebhookEvent what, CancellationToken cancellation) => db.TransactionAsync<IReadOnlyList<Guid>>(async connection =>
    {
        var rows = await connection.QueryAsync<PluginRow>($"SELECT {PluginRow.Columns} FROM plugins WHERE webhook IS NOT NULL AND state IN ('ready', 'degraded', 'unreachable')");
        var full = new List<Guid>();
        var now = time.GetUtcNow();
        foreach (var plugin in rows.Select(r => r.ToPlugin()).Where(p => p.Webhook!.Events.Contains(what.Name) && p.ApprovedCapabilities.Contains(what.Permission)))
        {
            var id = Guid.CreateVersion7(now);
            var body = JsonSerializer.Serialize(new { id, @event = what.Name, at = now, subject = what.Subject }, Json);
            await connection.ExecuteAsync("INSERT INTO plugin_events (id, plugin_id, name, body, attempts, not_before) VALUES (@id, @plugin, @Name, @body, 0, @now)", new { id, plugin = plugin.Id, what.Name, body, now });
            var given = await connection.ExecuteAsync(
                "DELETE FROM plugin_events WHERE plugin_id = @plugin AND number <= (SELECT number FROM plugin_events WHERE plugin_id = @plugin ORDER BY number DESC LIMIT 1 OFFSET @Waiting)", new { plugin = plugin.Id, Waiting });
            if (given == 0) continue;
            full.Add(plugin.Id);
            if (await connection.ExecuteScalarAsync<int>("SELECT attempts FROM plugin_events WHERE plugin_id = @plugin ORDER BY number LIMIT 1", new { plugin = plugin.Id }) == 0)
                await MomentStore.NoteAsync(connection, plugin.Id, now, $"More than {Waiting} events wait for it: the oldest are given up.");
        }
        return full;
    }, cancellation);

    /// <summary>Writes into its history that it does not take its events.</summary>
    public Task TellAsync(Guid pluginId, string what, CancellationToken cancellation) => db.TransactionAsync(connection => MomentStore.NoteAsync(connection, pluginId, time.GetUtcNow(), what), cancellation);

    /// <summary>The plug-ins that something waits for and is due.</summary>
    public async Task<IReadOnlyList<Guid>> DueAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<Guid>(
            "SELECT e.plugin_id FROM plugin_events e WHERE e.number = (SELECT MIN(number) FROM plugin_events WHERE plugin_id = e.plugin_id) AND e.not_before <= @now", new { now = time.GetUtcNow() })];
    }

    /// <summary>The oldest event of a plug-in, if it is due.</summary>
    public async Task<Waiting?> NextAsync(Guid pluginId, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var next = await connection.QueryFirstOrDefaultAsync<Waiting>("SELECT number, id, name, body, attempts, not_before FROM plugin_events WHERE plugin_id = @pluginId ORDER BY number LIMIT 1", new { pluginId });
        return next?.NotBefore <= time.GetUtcNow() ? next : null;
    }

    public Task DoneAsync(long number, CancellationToken cancellation) => RunAsync("DELETE FROM plugin_events WHERE number = @number", new { number }, cancellation);

    public Task LaterAsync(long number, DateTimeOffset notBefore, CancellationToken cancellation) => RunAsync("UPDATE plugin_events SET attempts = attempts + 1, not_before = @notBefore WHERE number = @number", new { number, notBefore }, cancellation);

    /// <summary>Forgets all that a plug-in was to be told.</summary>
    public Task ClearAsync(Guid pluginId, CancellationToken cancellation) => RunAsync("DELETE FROM plugin_events WHERE plugin_id = @pluginId", new { pluginId }, cancellation);

    private async Task<string?> FindSecretAsync(Guid pluginId, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var stored = await connection.ExecuteScalarAsync<string?>("SELECT webhook_secret FROM plugins WHERE id = @pluginId", new { pluginId });
        return stored is null ? null : secrets.Unprotect(Purpose, stored);
    }

    private async Task RunAsync(string sql, object values, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(sql, values);
    }
}

/// <summary>An event that waits.</summary>
internal sealed record Waiting
{
    /// <summary>Counts up; the order of delivery, as ids made within a millisecond have none.</summary>
    public long Number { get; init; }
    public Guid Id { get; init; }
    public string Name { get; init; } = "";
    public string Body { get; init; } = "";
    public int Attempts { get; init; }
    public DateTimeOffset NotBefore { get; init; }
}
