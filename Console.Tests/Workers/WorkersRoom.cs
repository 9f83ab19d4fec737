using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Secrets;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Registry;
using Quarterdeck.Workers.Tiers;

namespace Quarterdeck.Tests.Workers;

/// <summary>A start-up check whose answer the test decides.</summary>
internal sealed class HandCheck : IStartupCheck
{
    public Problem? Refusal { get; set; }

    public List<StartupCandidate> Asked { get; } = [];

    public Task<Result<StartupReport>> CheckAsync(StartupCandidate candidate, CancellationToken cancellation)
    {
        Asked.Add(candidate);
        return Task.FromResult(Refusal is { } no ? (Result<StartupReport>)no : new StartupReport(3, null));
    }
}

/// <summary>Error rates that the test decides.</summary>
internal sealed class HandErrors : IVersionErrors
{
    public Dictionary<WorkerKey, VersionErrors> Seen { get; } = [];

    public VersionErrors Recent(WorkerKey key, int windowSeconds) => Seen.GetValueOrDefault(key);
}

/// <summary>Definitions of workers over a fresh database, with the table that follows them; no runtime.</summary>
internal sealed class WorkersRoom : IAsyncDisposable
{
    public static readonly Caller Admin = new(CallerKind.User, Guid.NewGuid(), "ada", Role.Administrator);
    public static readonly Caller Operator = new(CallerKind.User, Guid.NewGuid(), "olga", Role.Operator);
    public static readonly Caller Viewer = new(CallerKind.User, Guid.NewGuid(), "vera", Role.Viewer);
    private readonly TestDatabase _database;
    private readonly ServiceProvider _services;
    private readonly bool _ownsDatabase;

    private WorkersRoom(TestDatabase database, ServiceProvider services, bool ownsDatabase) => (_database, _services, _ownsDatabase) = (database, services, ownsDatabase);

    public HandCheck Check => Get<HandCheck>();

    public HandErrors Errors => Get<HandErrors>();

    public WorkerTable Table => Get<WorkerTable>();

    public WorkerRegistry Registry => Get<WorkerRegistry>();

    public Db Db => _database.Db;

    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    public static async Task<WorkersRoom> OpenAsync(DatabaseEngine engine, TiersOptions? tiers = null) => await OpenAsync(await TestDatabase.CreateAsync(engine), ownsDatabase: true, tiers);

    /// <summary>Another node over the same database.</summary>
    public Task<WorkersRoom> SecondNodeAsync() => OpenAsync(_database, ownsDatabase: false);

    private static async Task<WorkersRoom> OpenAsync(TestDatabase database, bool ownsDatabase, TiersOptions? tiers = null)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(database.Options);
        services.AddSingleton(_ => Db.For(database.Options));
        services.AddEvents();
        services.AddSecrets();
        services.AddAccess();
        services.AddWorkerTable();
        services.AddRegistry();
        services.AddSingleton<WorkerFigures>();
        services.AddGuardAndTiers();
        if (tiers is not null) services.AddSingleton(Microsoft.Extensions.Options.Options.Create(tiers));
        services.AddSingleton<HandCheck>().AddSingleton<IStartupCheck>(p => p.GetRequiredService<HandCheck>());
        services.AddSingleton<HandErrors>().AddSingleton<IVersionErrors>(p => p.GetRequiredService<HandErrors>());
        var provider = services.BuildServiceProvider(new ServiceProviderOptions { ValidateScopes = true });
        // What looks at error rates by itself is called by the tests.
        foreach (var hosted in provider.GetServices<IHostedService>().Where(h => h is not (RollbackWatch or TierReturns))) await hosted.StartAsync(default);
        var room = new WorkersRoom(database, provider, ownsDatabase);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await room.Table.WaitForAsync(t => t.Sequence > 0, limit.Token);
        return room;
    }

    public static WorkerUpload Upload(string script, WorkerMetadata? metadata = null, params (string Name, string Content)[] more) =>
        new(metadata ?? new WorkerMetadata { MainModule = "index.js" }, [File("index.js", script), .. more.Select(m => File(m.Name, m.Content))]);

    public static UploadedFile File(string name, string content) => new(name, Encoding.UTF8.GetBytes(content));

    public static IReadOnlyDictionary<string, JsonElement> Bindings(object values) => JsonSerializer.SerializeToElement(values).EnumerateObject().ToDictionary(p => p.Name, p => p.Value);

    public const string Hello = "export default { fetch() { return new Response('hello') } }";

    /// <summary>Makes a version, deployed at 100 %.</summary>
    public async Task<UploadOutcome> DeployAsync(string name, string script = Hello, Caller? caller = null) => (await Registry.UploadAsync(caller ?? Admin, name, Upload(script), true, default)).Value;

    /// <summary>Waits until this node's table fulfils a condition.</summary>
    public async Task SeesAsync(Func<WorkerTableSnapshot, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await Table.WaitForAsync(condition, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var hosted in _services.GetServices<IHostedService>().Reverse()) await hosted.StopAsync(default);
        await _services.DisposeAsync();
        if (_ownsDatabase) await _database.DisposeAsync();
    }
}
