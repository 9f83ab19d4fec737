using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Hosts.Libvirt;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Hosts;

/// <summary>The room with all below it, without the rest of the console.</summary>
internal sealed class HostsNode : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly TestDatabase? _own;

    private HostsNode(IHost host, TestDatabase? own) => (_host, _own) = (host, own);

    public static readonly Caller Admin = new(CallerKind.User, Guid.NewGuid(), "ann", Role.Administrator);

    public HostRegistry Hosts => Service<HostRegistry>();
    public VirtualMachines Vms => Service<VirtualMachines>();
    public HostConnections Connections => Service<HostConnections>();
    public OperationReader Operations => Service<OperationReader>();

    public T Service<T>() where T : notnull => _host.Services.GetRequiredService<T>();

    /// <summary>Starts one on a database, or on a fresh SQLite of its own.</summary>
    public static async Task<HostsNode> StartAsync(TestDatabase? database = null, IHypervisorDriver? driver = null, Action<HostsOptions>? configure = null, IReadOnlyList<string>? imageRoots = null)
    {
        var own = database is null ? await TestDatabase.CreateAsync(DatabaseEngine.Sqlite) : null;
        var options = (database ?? own)!.Options;
        Directory.CreateDirectory(options.ImageRoots[0]);
        if (imageRoots is not null) options = options with { ImageRoots = imageRoots };
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        if (Environment.GetEnvironmentVariable("QD_TEST_LOG") is not null) builder.Logging.AddSimpleConsole().SetMinimumLevel(LogLevel.Information);
        builder.Services.AddSingleton(options);
        builder.Services.AddDatabase();
        builder.Services.AddEvents();
        builder.Services.AddSingleton<AuditLog>();
        builder.Services.AddSingleton<Guard>();
        builder.Services.AddOperations(o => (o.Heartbeat, o.ProgressEvery, o.Backoff) = (TimeSpan.FromMilliseconds(300), TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(300)));
        builder.Services.AddHosts();
        builder.Services.Configure<HostsOptions>(o =>
        {
            o.FirstHost = "";
            configure?.Invoke(o);
        });
        if (driver is not null) builder.Services.Replace(ServiceDescriptor.Singleton(driver));
        var node = new HostsNode(builder.Build(), own);
        await node._host.StartAsync();
        return node;
    }

    /// <summary>Adds a host and waits until it is connected.</summary>
    public async Task<HostInfo> AddAsync(string uri, string? name = null, int seconds = 90)
    {
        var added = (await Hosts.AddAsync(Admin, new NewHost(name ?? "h" + Guid.NewGuid().ToString("N")[..6], uri), CancellationToken.None)).Value;
        return await HostAsync(added.Id, h => h.State == HostState.Connected, seconds);
    }

    public Task<HostInfo> HostAsync(Guid id, Func<HostInfo, bool> wanted, int seconds = 20) =>
        UntilAsync(async () => (await Hosts.GetAsync(Admin, id, CancellationToken.None)).Value, wanted, seconds);

    public Task<Vm> VmAsync(Guid id, Func<Vm, bool> wanted, int seconds = 20) =>
        UntilAsync(async () => (await Vms.GetAsync(Admin, id, CancellationToken.None)).Value, wanted, seconds);

    /// <summary>Waits for the end of an operation that was just queued.</summary>
    public async Task<OperationInfo> EndAsync(Result<Guid> queued, int seconds = 150)
    {
        var id = queued.Value;
        return await UntilAsync(async () => (await Operations.GetAsync(Admin, id, CancellationToken.None)).Value, o => o.Ended, seconds);
    }

    /// <summary>The same, and it must have succeeded.</summary>
    public async Task<OperationInfo> SucceedAsync(Result<Guid> queued, int seconds = 150)
    {
        var ended = await EndAsync(queued, seconds);
        if (ended.State != OperationState.Succeeded) throw new InvalidOperationException($"{ended.Kind} ended {ended.State}: {ended.Problem}");
        return ended;
    }

    public static async Task<T> UntilAsync<T>(Func<Task<T>> read, Func<T, bool> wanted, int seconds)
    {
        for (var until = DateTime.UtcNow.AddSeconds(seconds); ; await Task.Delay(20))
        {
            var now = await read();
            if (wanted(now)) return now;
            if (DateTime.UtcNow > until) throw new TimeoutException($"It did not become as wanted within {seconds} s: {now}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        if (_host is IAsyncDisposable host) await host.DisposeAsync();
        if (_own is not null) await _own.DisposeAsync();
    }
}
