using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Events;
using Quarterdeck.Hosts.Inventory;
using Quarterdeck.Hosts.Libvirt;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts.Supervision;

/// <summary>Runs one supervisor for each row of <c>hosts</c>, also for rows that other nodes add and remove.</summary>
internal sealed partial class Supervisors(
    HostStore hosts, VmStore vms, VmReader reader, EventStream<HostInfo> hostEvents, EventStream<Vm> vmEvents, IHypervisorDriver driver,
    IOptions<HostsOptions> options, ConsoleOptions console, TimeProvider time, ILoggerFactory loggers) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<Guid, Running> _running = new();
    private readonly SemaphoreSlim _look = new(0, 1);
    private readonly ILogger _logger = loggers.CreateLogger<Supervisors>();

    /// <summary>The host's session, or null when there is no such host (or it was added a moment ago).</summary>
    public HostSession? Find(Guid host) => _running.GetValueOrDefault(host)?.Session;

    /// <summary>All sessions.</summary>
    public IEnumerable<HostSession> Sessions => _running.Values.Select(r => r.Session);

    /// <summary>Whether the rows were looked at once.</summary>
    public bool Looked { get; private set; }

    /// <summary>Checks a URI by this console's rules.</summary>
    public Result<HostUri> Check(string? uri) => HostUri.Parse(uri, console.ImageRoots, [.. options.Value.SocketRoots]);

    /// <summary>Looks at the rows now.</summary>
    public void LookNow()
    {
        try { _look.Release(); }
        catch (SemaphoreFullException) { /* about to look */ }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var seeded = false;
        try
        {
            while (true)
            {
                try
                {
                    if (!seeded) await SeedAsync(stoppingToken);
                    seeded = true;
                    await ReconcileAsync(stoppingToken);
                    Looked = true;
                }
                catch (Exception e) when (e is not OperationCanceledException) { Log.NotLooked(_logger, e); }
                await _look.WaitAsync(Look, stoppingToken);
            }
        }
        catch (OperationCanceledException) { /* the console stops */ }
        await Task.WhenAll(_running.Values.Select(r => r.StopAsync()));
    }

    public override void Dispose()
    {
        _look.Dispose();
        base.Dispose();
    }

    private async Task SeedAsync(CancellationToken cancellation)
    {
        if (options.Value.FirstHost is { Length: > 0 } uri && await hosts.SeedAsync(uri, cancellation))
            await hosts.AddAsync(Guid.CreateVersion7(time.GetUtcNow()), "This machine", uri, HostInfo.Connecting, cancellation);
    }

    private async Task ReconcileAsync(CancellationToken cancellation)
    {
        var rows = await hosts.KeysAsync(cancellation);
        foreach (var (id, name, uri) in rows)
            if (_running.GetValueOrDefault(id) is { } known) known.Session.Name = name;
            else _running[id] = Start(id, name, uri);
        foreach (var id in _running.Keys.Except(rows.Select(r => r.Id)))
            if (_running.TryRemove(id, out var gone)) await gone.StopAsync();
    }

    private Running Start(Guid id, string name, string uri)
    {
        var session = new HostSession(id, name, uri, new HostMirror(id, vms, reader, vmEvents));
        var supervisor = new HostSupervisor(session, Check, driver, hosts, hostEvents, options.Value, time, loggers.CreateLogger<HostSupervisor>());
        var stop = new CancellationTokenSource();
        return new Running(session, Task.Run(() => supervisor.RunAsync(stop.Token)), stop);
    }

    private sealed record Running(HostSession Session, Task Task, CancellationTokenSource Stop)
    {
        public async Task StopAsync()
        {
            await Stop.CancelAsync();
            await Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Stop.Dispose();
            Session.Dispose();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "The list of hosts cannot be read")]
        public static partial void NotLooked(ILogger logger, Exception exception);
    }
}
