using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Access;

/// <summary>The room over a fresh database, started like in the console, with a clock of its own.</summary>
internal sealed class AccessRoom : IAsyncDisposable
{
    public const string AdminPassword = "anchors aweigh 1";
    public const string AdminToken = "an-administrator-token-of-the-settings-0123";
    private readonly TestDatabase _database;
    private readonly ServiceProvider _services;
    private readonly bool _ownsDatabase;

    private AccessRoom(TestDatabase database, ServiceProvider services, Clock clock, bool ownsDatabase) =>
        (_database, _services, Time, _ownsDatabase) = (database, services, clock, ownsDatabase);

    public Clock Time { get; }

    public Db Db => _database.Db;

    public TestDatabase Database => _database;

    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    public IServiceProvider Services => _services;

    public static async Task<AccessRoom> OpenAsync(DatabaseEngine engine, string? password = AdminPassword) =>
        await OpenAsync(await TestDatabase.CreateAsync(engine), password, ownsDatabase: true);

    /// <summary>A second node over the same database.</summary>
    public Task<AccessRoom> SecondNodeAsync() => OpenAsync(_database, AdminPassword, ownsDatabase: false);

    private static async Task<AccessRoom> OpenAsync(TestDatabase database, string? password, bool ownsDatabase)
    {
        var clock = new Clock();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddSingleton<TimeProvider>(clock);
        services.AddSingleton(database.Options with { AdminPassword = password, AdminToken = AdminToken });
        services.AddSingleton(_ => Db.For(database.Options));
        services.AddEvents();
        services.AddAccess();
        var provider = services.BuildServiceProvider(new ServiceProviderOptions { ValidateScopes = true });
        foreach (var hosted in provider.GetServices<IHostedService>()) await hosted.StartAsync(default);
        return new AccessRoom(database, provider, clock, ownsDatabase);
    }

    /// <summary>The caller of the user <c>admin</c>.</summary>
    public async Task<Caller> AdminAsync() => Of((await Get<Users>().ListAsync(Caller.System, new(), default)).Value.Items.Single(u => u.Name == "admin"));

    /// <summary>A new user's caller.</summary>
    public async Task<Caller> UserAsync(string name, Role role) =>
        Of((await Get<Users>().CreateAsync(Caller.System, new NewUser(name, role, "correct horse battery"), default)).Value.User);

    public async Task<IReadOnlyList<AuditEntry>> AuditAsync(AuditQuery? query = null) =>
        (await Get<AuditTrail>().ListAsync(Caller.System, query ?? new(), new(Size: 500), default)).Value.Items;

    public static Caller Of(User user) => new(CallerKind.User, user.Id, user.Name, user.Role) { UserId = user.Id };

    public async ValueTask DisposeAsync()
    {
        foreach (var hosted in _services.GetServices<IHostedService>()) await hosted.StopAsync(default);
        await _services.DisposeAsync();
        if (_ownsDatabase) await _database.DisposeAsync();
    }
}

/// <summary>A clock that ticks with each look, so that order is certain, and else stands still until it is moved.</summary>
internal sealed class Clock : TimeProvider
{
    private DateTimeOffset _now = DateTimeOffset.UtcNow;

    public void Forward(TimeSpan by) => _now += by;

    public override DateTimeOffset GetUtcNow()
    {
        lock (this) return _now += TimeSpan.FromMicroseconds(1);
    }
}
