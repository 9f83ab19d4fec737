using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Hosts.Libvirt;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Secrets;
using Quarterdeck.Tests.Hosts;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances;

/// <summary>Appliances and plug-ins with all below them, on a fake host that shares no files with the console.</summary>
internal sealed class DeployNode : IAsyncDisposable
{
    private const string Uri = "qemu+tls://fake/system";
    public static readonly Caller Admin = new(CallerKind.User, Guid.NewGuid(), "ann", Role.Administrator);
    private static readonly XNamespace Oe = "http://schemas.dmtf.org/ovf/environment/1";
    private readonly IHost _host;
    private readonly TestDatabase _database;
    private readonly FakeDriver _driver;

    private DeployNode(IHost host, TestDatabase database, FakeDriver driver) => (_host, _database, _driver) = (host, database, driver);

    public Guid HostId { get; private set; }

    public FakeHypervisor Fake => _driver.Hypervisors[Uri];

    public ApplianceImport Import => Service<ApplianceImport>();

    public PluginRegistry Plugins => Service<PluginRegistry>();

    public T Service<T>() where T : notnull => _host.Services.GetRequiredService<T>();

    public static async Task<DeployNode> StartAsync(DatabaseEngine engine = DatabaseEngine.Sqlite, Action<PluginsOptions>? plugins = null, Action<AppliancesOptions>? appliances = null)
    {
        var (database, driver) = (await TestDatabase.CreateAsync(engine), new FakeDriver());
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSingleton<IConfiguration>(builder.Configuration);
        builder.Services.AddSingleton(database.Options with { ApplianceUrl = "https://127.0.0.1:5443" });
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddDatabase();
        builder.Services.AddEvents();
        builder.Services.AddSecrets();
        builder.Services.AddSingleton<AuditLog>();
        builder.Services.AddSingleton<Guard>();
        builder.Services.AddSingleton<PermissionCatalogue>();
        builder.Services.AddOperations(o => (o.Heartbeat, o.ProgressEvery, o.Backoff) = (TimeSpan.FromMilliseconds(300), TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(300)));
        builder.Services.AddHosts();
        builder.Services.AddAppliances();
        builder.Services.AddPlugins();
        builder.Services.Configure<HostsOptions>(o => o.FirstHost = "");
        if (plugins is not null) builder.Services.Configure(plugins);
        if (appliances is not null) builder.Services.Configure(appliances);
        builder.Services.Replace(ServiceDescriptor.Singleton<IHypervisorDriver>(driver));
        var node = new DeployNode(builder.Build(), database, driver);
        await node._host.StartAsync();
        node.Service<ApplianceAddress>().Listening(5443, []);
        var hosts = node.Service<HostRegistry>();
        node.HostId = (await hosts.AddAsync(Admin, new NewHost("fake", Uri), default)).Value.Id;
        await HostsNode.UntilAsync(async () => (await hosts.GetAsync(Admin, node.HostId, default)).Value, h => h.State is HostState.Connected, 20);
        return node;
    }

    /// <summary>The host cannot be reached any more.</summary>
    public void Refuse(string why) => _driver.Refusals[Uri] = why;

    public FakeHypervisor FakeAt(string uri) => _driver.Hypervisors[uri];

    /// <summary>Adds another connected host.</summary>
    public async Task<Guid> AddHostAsync(string name, string uri)
    {
        var hosts = Service<HostRegistry>();
        var id = (await hosts.AddAsync(Admin, new NewHost(name, uri), default)).Value.Id;
        await HostsNode.UntilAsync(async () => (await hosts.GetAsync(Admin, id, default)).Value, h => h.State is HostState.Connected, 30);
        return id;
    }

    public ApplianceSpec Spec(string name = "probe", params (string Key, string Value)[] properties) => new()
    {
        Name = name, HostId = HostId, AcceptEula = true, AllowUnsigned = true, Networks = new Dictionary<string, string> { ["Management"] = "user" }, Properties = properties.ToDictionary(p => p.Key, p => p.Value),
    };

    public Task<Result<Guid>> BeginAsync(byte[] ova, ApplianceSpec? spec = null, Action<Guid>? began = null) => Import.BeginAsync(Admin, spec ?? Spec(), new MemoryStream(ova), ova.Length, default, began);

    public async Task<OperationInfo> OperationAsync(Guid id) => (await Service<OperationReader>().GetAsync(Admin, id, default)).Value;

    public Task<OperationInfo> EndAsync(Guid id) => HostsNode.UntilAsync(() => OperationAsync(id), o => o.Ended, 30);

    public Task<OperationInfo> AtStepAsync(Guid id, string step) => HostsNode.UntilAsync(() => OperationAsync(id), o => o.Steps.Any(s => s.Key == step && s.State is StepState.Running), 20);

    /// <summary>What the guest finds on its CD; empty before there is one.</summary>
    public Dictionary<string, string> EnvironmentNow() => Fake.Contents.SingleOrDefault(c => c.Key.EndsWith(".iso", StringComparison.Ordinal)).Value is { } image ? EnvironmentIn(image) : [];

    /// <summary>The properties on an environment's CD.</summary>
    public static Dictionary<string, string> EnvironmentIn(byte[] image)
    {
        var text = Encoding.UTF8.GetString(image.AsSpan(25 * 2048)).TrimEnd('\0');
        return XElement.Parse(text).Element(Oe + "PropertySection")!.Elements().ToDictionary(e => e.Attribute(Oe + "key")!.Value, e => e.Attribute(Oe + "value")!.Value);
    }

    /// <summary>Does what a well-behaved appliance does after its boot.</summary>
    public async Task<EnrolmentAnswer> EnrolAsync(string manifest = OvaBuilder.Plugin)
    {
        var environment = EnvironmentNow();
        var request = new EnrolmentRequest(environment["quarterdeck.enrolment.token"], JsonSerializer.Deserialize<JsonElement>(manifest),
            Quarterdeck.Plugins.Manifests.PluginManifest.Digest(Encoding.UTF8.GetBytes(manifest)), environment["quarterdeck.plugin.instance"]);
        var answer = (await Service<Enrolment>().EnrolAsync(request, default)).Value;
        await BeatAsync(answer);
        return answer;
    }

    public async Task<Result<HeartbeatAnswer>> BeatAsync(EnrolmentAnswer plugin) => await Service<Enrolment>().HeartbeatAsync(plugin.PluginId, plugin.Token, new Heartbeat(new HeartbeatHealth("healthy")), default);

    /// <summary>Installs the probe as a plug-in.</summary>
    public async Task<EnrolmentAnswer> InstalledAsync(string name = "probe", string manifest = OvaBuilder.Plugin, params (string Key, string Value)[] properties)
    {
        var id = (await BeginAsync(new OvaBuilder { Manifest = manifest }.Build(), Spec(name, properties))).Value;
        await AtStepAsync(id, "enrol");
        var answer = await EnrolAsync(manifest);
        (await EndAsync(id)).State.ShouldBe(OperationState.Succeeded);
        return answer;
    }

    /// <summary>Everything that a deployment may leave anywhere.</summary>
    public async Task<IReadOnlyList<string>> LeftAsync()
    {
        var spool = Path.Combine(_database.Options.DataFolder, "spool");
        return [.. Fake.Volumes, .. (await Fake.DomainsAsync(default)).Select(d => $"domain {d.Name}"), .. Directory.Exists(spool) ? Directory.GetFiles(spool) : [], .. await RowsAsync()];
    }

    /// <summary>What the console knows about appliances, plug-ins and VMs.</summary>
    public async Task<IReadOnlyList<string>> RowsAsync()
    {
        await using var connection = await _database.Db.OpenAsync(default);
        return [.. (await connection.QueryAsync<string>("SELECT id FROM appliances UNION ALL SELECT id FROM plugins UNION ALL SELECT id FROM vms")).Select(id => $"row {id}")];
    }

    /// <summary>How many rows each table has, but for the audit log, operations, and the nodes' own bookkeeping.</summary>
    public async Task<Dictionary<string, int>> TableRowsAsync()
    {
        await using var connection = await _database.Db.OpenAsync(default);
        var tables = await connection.QueryAsync<string>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'operation%' AND name NOT IN ('audit', 'nodes', 'database_probe', 'plugin_authority', 'data_protection_keys')");
        var rows = new Dictionary<string, int>();
        foreach (var table in tables) rows[table] = await connection.ExecuteScalarAsync<int>($"SELECT COUNT(*) FROM {table}");
        return rows;
    }

    /// <summary>Whether a text stands anywhere in what the console stored about operations, appliances, plug-ins and in the audit log.</summary>
    public async Task<bool> StoresAsync(string text)
    {
        await using var connection = await _database.Db.OpenAsync(default);
        foreach (var table in new[] { "operations", "operation_steps", "operation_log", "operation_notes", "appliances", "plugins", "audit" })
            foreach (var row in await connection.QueryAsync($"SELECT * FROM {table}"))
                if (((IDictionary<string, object?>)row).Values.Any(v => v?.ToString()?.Contains(text, StringComparison.Ordinal) is true)) return true;
        return false;
    }

    public async Task<string?> SecretsAsync()
    {
        await using var connection = await _database.Db.OpenAsync(default);
        return await connection.ExecuteScalarAsync<string?>("SELECT secrets FROM appliances");
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        if (_host is IAsyncDisposable host) await host.DisposeAsync();
        await _database.DisposeAsync();
    }
}
