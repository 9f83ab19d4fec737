using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Hosts.Libvirt;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Plugins.Registry;
using Quarterdeck.Tests.Hosts;
using Quarterdeck.Tests.Support;
using Quarterdeck.Web.Plugins.Ui;

namespace Quarterdeck.Tests.Web.Plugins.Ui;

/// <summary>A console with a plug-in whose guest is a server of the test: behind a hypervisor in memory whose QEMU "forwards" to it.</summary>
internal sealed class PluginUiStage : IAsyncDisposable
{
    /// <summary>The port that the manifest names; the guest really listens elsewhere.</summary>
    public const int GuestPort = 8080;

    private readonly WebApplication _guest;

    private PluginUiStage(TestConsole console, WebApplication guest, FakeHypervisor hypervisor, Guid plugin, Guid vm, Guid hostId) =>
        (Console, _guest, Hypervisor, Plugin, Vm, HostId) = (console, guest, hypervisor, plugin, vm, hostId);

    public TestConsole Console { get; }

    public FakeHypervisor Hypervisor { get; }

    public Guid Plugin { get; }

    public Guid Vm { get; }

    public Guid HostId { get; }

    public T Service<T>() where T : notnull => Console.App.Services.GetRequiredService<T>();

    /// <summary>Starts all of it.</summary>
    /// <param name="guest">What the guest answers.</param>
    /// <param name="scheme">By which it is spoken to.</param>
    /// <param name="contributes">What the plug-in adds to the console's pages.</param>
    /// <param name="adjust">Changes the console.</param>
    /// <param name="name">The plug-in's name.</param>
    /// <param name="settings">More settings of the console.</param>
    public static async Task<PluginUiStage> StartAsync(
        RequestDelegate guest, string scheme = "http", PluginContributions? contributes = null, Action<WebApplicationBuilder>? adjust = null, string name = "Harbour light", IReadOnlyDictionary<string, string>? settings = null)
    {
        var server = await GuestAsync(guest, scheme);
        var port = new Uri(server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        var hypervisor = new FakeHypervisor { IsMock = false, SharesFileSystem = true, Monitor = new UserNetwork(port).Answer };
        var driver = new FakeDriver();
        driver.Hypervisors["qemu:///system"] = hypervisor;
        var console = await TestConsole.StartAsync(settings, builder =>
        {
            builder.Services.Replace(ServiceDescriptor.Singleton<IHypervisorDriver>(driver));
            adjust?.Invoke(builder);
        });
        var host = (await console.App.Services.GetRequiredService<HostRegistry>().AddAsync(Caller.System, new NewHost("fake", "qemu:///system"), default)).Value;
        var connections = console.App.Services.GetRequiredService<HostConnections>();
        await UntilAsync(() => Task.FromResult(connections.Get(host.Id).Ok));
        var vm = Guid.NewGuid();
        await hypervisor.DefineAsync(
            $"<domain type='qemu'><name>harbour</name><uuid>{vm}</uuid><memory>1024</memory><devices><interface type='user'><mac address='52:54:00:00:00:01'/><alias name='net0'/></interface></devices></domain>", default);
        await hypervisor.StartAsync(vm, default);
        await connections.RefreshAsync(host.Id, vm, default);
        var plugin = Guid.CreateVersion7();
        _ = (await console.App.Services.GetRequiredService<PluginStore>().AddAsync(new PluginRow(
            plugin, Guid.CreateVersion7(), Guid.CreateVersion7(), host.Id, vm, "org.example.harbour", name, "Example", "1.0.0", "A light.", "[]",
            JsonSerializer.Serialize(new PluginUi(scheme, GuestPort, "/")), null, null, PluginState.Ready, HealthState.Healthy, null, DateTimeOffset.UtcNow, DateTimeOffset.UtcNow, DateTimeOffset.UtcNow,
            contributes is null ? null : JsonSerializer.Serialize(contributes)), default)).Value;
        var stage = new PluginUiStage(console, server, hypervisor, plugin, vm, host.Id);
        stage.Service<EventStream<Plugin>>().Changed(plugin.ToString("D"));
        return stage;
    }

    private static async Task<WebApplication> GuestAsync(RequestDelegate guest, string scheme)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(o =>
        {
            o.Limits.MaxRequestBodySize = null;
            o.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                if (scheme == "https") listen.UseHttps(TestCertificate.Make());
            });
        });
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(guest);
        await app.StartAsync();
        return app;
    }

    /// <summary>Moves the plug-in to a state, as its life does.</summary>
    public async Task MoveAsync(PluginState to)
    {
        await Service<PluginStore>().MoveAsync(Plugin, Enum.GetValues<PluginState>(), to, null, default);
        Service<EventStream<Plugin>>().Changed(Plugin.ToString("D"));
    }

    /// <summary>A login session of <c>admin</c>: the cookie's key and the caller.</summary>
    public async Task<(string Key, Caller Caller)> SessionAsync()
    {
        var admin = (await Service<Users>().ListAsync(Caller.System, new PageQuery(Search: "admin"), default)).Value.Items[0].Id;
        var key = await Service<SessionKeeper>().OpenAsync(admin, null, null, default);
        return (key, (await Service<SessionKeeper>().FindAsync(key, default))!.Caller);
    }

    /// <summary>A ticket of a new session, and the address below which it holds.</summary>
    public async Task<string> TicketAsync() => $"/plugin-ui/{(await Service<UiVisits>().TicketAsync((await SessionAsync()).Caller, Plugin, default)).Value}";

    /// <summary>A client as a page without an origin has: no cookies, no redirects followed.</summary>
    public HttpClient Browser() => Console.Client(null);

    public static async Task UntilAsync(Func<Task<bool>> wanted, int seconds = 30)
    {
        for (var until = DateTime.UtcNow.AddSeconds(seconds); !await wanted(); await Task.Delay(20))
            if (DateTime.UtcNow > until) throw new TimeoutException($"It did not become so within {seconds} s.");
    }

    public async ValueTask DisposeAsync()
    {
        await Console.DisposeAsync();
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(1)); // streams that a test left open
        await _guest.StopAsync(now.Token);
        await _guest.DisposeAsync();
    }
}

/// <summary>QEMU's monitor as far as user networks go; every forward of the guest's port leads to one real port.</summary>
internal sealed class UserNetwork(int real)
{
    private readonly List<int> _inner = [];

    /// <summary>Commands that changed something.</summary>
    public List<string> Commands { get; } = [];

    public string Answer(string command)
    {
        lock (_inner)
        {
            if (command != "info usernet") Commands.Add(command);
            if (command.StartsWith("hostfwd_add hostnet0 tcp:127.0.0.1:0-:", StringComparison.Ordinal)) _inner.Add(int.Parse(command.AsSpan(command.LastIndexOf(':') + 1), CultureInfo.InvariantCulture));
            else if (command.StartsWith("hostfwd_remove", StringComparison.Ordinal)) _inner.Clear();
            else if (command.StartsWith("hostfwd_add", StringComparison.Ordinal)) return "unrecognized netdev id\r\n";
            if (command != "info usernet") return "";
            return "Hub -1 (hostnet0):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n"
                + string.Concat(_inner.Select(i => $"  TCP[HOST_FORWARD]  11       127.0.0.1 {real}       10.0.2.15    {i}     0     0\r\n"));
        }
    }
}
