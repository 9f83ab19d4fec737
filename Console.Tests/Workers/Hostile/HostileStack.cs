using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Secrets;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Hostile;

/// <summary>The worker platform as the console runs it: registry, front, one shared shard, cordons, guard and tiers. Only pages and REST are missing.</summary>
internal sealed class HostileStack : IAsyncDisposable
{
    private readonly TestDatabase _database;
    private readonly ServiceProvider _services;
    private readonly EndedLog _log;

    private HostileStack(TestDatabase database, ServiceProvider services, EndedLog log) => (_database, _services, _log) = (database, services, log);

    public WorkerRegistry Registry => Get<WorkerRegistry>();

    public WorkerTable Table => Get<WorkerTable>();

    public TierBook Tiers => Get<TierBook>();

    /// <summary>Where zones are served.</summary>
    public Uri Front => new(Get<WorkerFront>().Addresses[0]);

    /// <summary>What was said of each end of a process.</summary>
    public IReadOnlyCollection<string> Ends => _log.Lines;

    /// <summary>The shared shard.</summary>
    public ComputeServerInfo Shard => Get<ComputeServers>().List().Single(server => server.Tier is WorkerTier.Shared);

    public IReadOnlyList<ComputeServerInfo> Servers => Get<ComputeServers>().List();

    /// <summary>How the database is reached; null for SQLite.</summary>
    public string? Connection => _database.Options.Database;

    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    /// <summary>Starts it.</summary>
    /// <param name="workerd">Another binary than the build's.</param>
    /// <param name="settings">More settings; null for none.</param>
    /// <param name="engine">Where definitions are.</param>
    /// <param name="time">The console's clock; the runtime's own is real. Null for the real one.</param>
    public static async Task<HostileStack> StartAsync(string? workerd = null, Dictionary<string, string?>? settings = null, DatabaseEngine engine = DatabaseEngine.Sqlite, TimeProvider? time = null)
    {
        var database = await TestDatabase.CreateAsync(engine);
        var log = new EndedLog();
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.AddProvider(log).SetMinimumLevel(LogLevel.Information));
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Quarterdeck:Workers:Servers:Shards"] = "1", ["Quarterdeck:Workers:Servers:Workerd"] = workerd,
            // A busy machine: what is stuck is told by CPU, not by the clock.
            ["Quarterdeck:Workers:Servers:SilentSeconds"] = "60",
        }).AddInMemoryCollection(settings).Build());
        services.AddSingleton(time ?? TimeProvider.System);
        services.AddSingleton(database.Options with { WorkerUrls = "http://127.0.0.1:0" });
        services.AddSingleton(_ => Db.For(database.Options));
        services.AddEvents();
        services.AddSecrets();
        services.AddAccess();
        services.AddWorkers();
        var stack = new HostileStack(database, services.BuildServiceProvider(), log);
        foreach (var hosted in stack._services.GetServices<IHostedService>()) await hosted.StartAsync(default);
        await stack.Get<WorkerFront>().OpenedAsync(default).WaitAsync(TimeSpan.FromSeconds(60));
        return stack;
    }

    /// <summary>Makes a worker with a zone of its own, <c>NAME.test</c>; what was refused at its start is answered.</summary>
    public async Task<Problem?> DeployAsync(string name, string source, WorkerMetadata? metadata = null)
    {
        var upload = new WorkerUpload(metadata ?? new WorkerMetadata { MainModule = "main.js", CompatibilityFlags = ["nodejs_compat"] },
            [WorkersRoom.File("main.js", source), .. source.Contains("loop.wasm", StringComparison.Ordinal) ? [new UploadedFile("loop.wasm", Attack.WasmLoop)] : Array.Empty<UploadedFile>()]);
        if ((await Registry.UploadAsync(WorkersRoom.Admin, name, upload, true, default)).Problem is { } problem) return problem;
        (await Get<Zones>().PutAsync(WorkersRoom.Admin, $"{name}.test", new NewZone([new ZoneRoute("/*", name)]), default)).Problem.ShouldBeNull();
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var hosted in _services.GetServices<IHostedService>().Reverse()) await hosted.StopAsync(default);
        await _services.DisposeAsync();
        await _database.DisposeAsync();
    }

    /// <summary>Keeps what the runtime says of ended processes.</summary>
    private sealed class EndedLog : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception) is var line && line.StartsWith("Compute server ", StringComparison.Ordinal) && line.Contains(" ended. ", StringComparison.Ordinal)) Lines.Enqueue(line);
        }

        public void Dispose() { }
    }
}

/// <summary>Waits for states; tests depend on no speed.</summary>
internal static class Eventually
{
    public static async Task Is(Func<bool> condition, string what) => await Is(() => Task.FromResult(condition()), what);

    public static async Task Is(Func<Task<bool>> condition, string what)
    {
        for (var until = DateTime.UtcNow.AddSeconds(90); !await condition(); await Task.Delay(50))
            if (DateTime.UtcNow > until) throw new TimeoutException($"It never happened: {what}.");
    }
}
