using System.Text;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Plugins;
using Quarterdeck.Plugins.Manifests;
using Quarterdeck.Plugins.Registry;
using Quarterdeck.Secrets;
using Quarterdeck.Tests.Access;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Plugins;

/// <summary>Plug-ins over a fresh database, without hosts and operations, with a clock of its own.</summary>
internal sealed class PluginRoom : IAsyncDisposable
{
    private readonly TestDatabase _database;
    private readonly ServiceProvider _services;

    private PluginRoom(TestDatabase database, ServiceProvider services, Clock time) => (_database, _services, Time) = (database, services, time);

    public Clock Time { get; }

    public Db Db => _database.Db;

    public Enrolment Enrolment => Get<Enrolment>();

    public PluginStore Store => Get<PluginStore>();

    public TokenStore Tokens => Get<TokenStore>();

    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    public static async Task<PluginRoom> OpenAsync(DatabaseEngine engine)
    {
        var (database, clock, services) = (await TestDatabase.CreateAsync(engine), new Clock(), new ServiceCollection());
        services.AddLogging();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddSingleton<TimeProvider>(clock);
        services.AddSingleton(database.Options);
        services.AddSingleton(_ => Db.For(database.Options));
        services.AddEvents();
        services.AddSecrets();
        services.AddSingleton<AuditLog>();
        services.AddSingleton<Guard>();
        services.AddSingleton<PermissionCatalogue>();
        services.AddPermissions(typeof(AccessPermissions));
        services.AddPlugins();
        return new PluginRoom(database, services.BuildServiceProvider(), clock);
    }

    /// <summary>A plug-in whose VM was just powered on, and its enrolment token.</summary>
    /// <param name="manifest">Content of <c>quarterdeck-plugin.json</c>; null for a package without one.</param>
    public async Task<(Guid Id, string Token)> PoweredOnAsync(string? manifest = OvaBuilder.Plugin)
    {
        var id = await AddAsync(manifest);
        var token = TokenText.New(TokenText.Enrolment);
        await Tokens.OfferAsync(id, TokenText.Hash(token), default);
        await Tokens.OpenWindowAsync(id, Time.GetUtcNow() + TimeSpan.FromMinutes(15), default);
        return (id, token);
    }

    public async Task<Guid> AddAsync(string? manifest = OvaBuilder.Plugin)
    {
        var bytes = manifest is null ? null : Encoding.UTF8.GetBytes(manifest);
        var read = bytes is null ? null : PluginManifest.Parse(bytes, "manifest").Value;
        var columns = ManifestColumns.Of(read);
        return (await Store.AddAsync(new PluginRow(
            Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), read?.Key ?? "", read?.Name ?? "probe", read?.Vendor ?? "", read?.Version ?? "", "",
            columns.Capabilities, columns.Ui, read?.Json, bytes is null ? null : PluginManifest.Digest(bytes),
            PluginState.Deploying, HealthState.Unknown, null, null, null, Time.GetUtcNow(), columns.Contributes, columns.Webhook, columns.DataDisks), default)).Value;
    }

    public async Task<Plugin> PluginAsync(Guid id) => (await Store.FindAsync(id, default))!.ToPlugin();

    /// <summary>What an appliance would send.</summary>
    public static EnrolmentRequest Request(string token, string manifest = OvaBuilder.Plugin, string? digest = null, string? instance = null, string? csr = null) =>
        new(token, JsonSerializer.Deserialize<JsonElement>(manifest), digest ?? PluginManifest.Digest(Encoding.UTF8.GetBytes(manifest)), instance, csr);

    public async Task<EnrolmentAnswer> EnrolAsync((Guid Id, string Token) plugin) => (await Enrolment.EnrolAsync(Request(plugin.Token), default)).Value;

    /// <summary>As the operations disable and enable it.</summary>
    public async Task DisableAsync(Guid id)
    {
        await Store.MoveAsync(id, Enum.GetValues<PluginState>(), PluginState.Disabled, null, default);
        await Tokens.RevokeAsync(id, default);
    }

    public async Task EnableAsync(Guid id)
    {
        await Tokens.ReopenAsync(id, Time.GetUtcNow() + TimeSpan.FromMinutes(15), default);
        await Store.MoveAsync(id, [PluginState.Disabled], PluginState.Unreachable, null, default);
    }

    /// <summary>As an administrator approves when installing.</summary>
    public async Task ApproveAsync(Guid id, string[] capabilities)
    {
        await using var connection = await Db.OpenAsync(default);
        await connection.ExecuteAsync("UPDATE plugins SET approved_capabilities = @list WHERE id = @id", new { id, list = JsonSerializer.Serialize(capabilities) });
    }

    public static Heartbeat Says(string state, string? reason = null) => new(new HeartbeatHealth(state, reason));

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _database.DisposeAsync();
    }
}
