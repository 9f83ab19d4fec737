using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Plugins.Webhooks;

/// <summary>Turns what the console's live streams say into events for plug-ins. What happened while the console was off is not told.</summary>
internal sealed partial class WebhookSource(
    EventStream<Vm> vms, EventStream<HostInfo> hosts, EventStream<OperationInfo> operations, EventStream<Plugin> plugins, VirtualMachines machines, WebhookStore store, TimeProvider time,
    ILogger<WebhookSource> logger) : BackgroundService
{
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(5);
    private readonly Dictionary<string, Vm> _vms = [];
    private readonly Dictionary<string, HostState> _hosts = [];
    private readonly Dictionary<string, PluginState> _plugins = [];
    private readonly HashSet<Guid> _ended = [];

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var began = time.GetUtcNow();
        return Task.WhenAll(
            FollowAsync(vms, MachinesAsync, VmAsync, stoppingToken),
            FollowAsync(hosts, Nothing<HostInfo>, HostAsync, stoppingToken),
            FollowAsync(plugins, Nothing<Plugin>, PluginAsync, stoppingToken),
            FollowAsync(operations, Nothing<OperationInfo>, (batch, c) => OperationAsync(batch, began, c), stoppingToken));
    }

    private async Task FollowAsync<T>(EventStream<T> stream, Func<CancellationToken, Task<IReadOnlyList<T>>> snapshot, Func<LiveBatch<T>, CancellationToken, Task> take, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try { await foreach (var batch in stream.SubscribeAsync(snapshot, cancellation)) await take(batch, cancellation); }
            catch (Exception e) when (!cancellation.IsCancellationRequested)
            {
                Log.Broke(logger, e, stream.Topic);
                await Task.Delay(Again, time, cancellation);
            }
        }
    }

    private static Task<IReadOnlyList<T>> Nothing<T>(CancellationToken cancellation) => Task.FromResult<IReadOnlyList<T>>([]);

    private async Task<IReadOnlyList<Vm>> MachinesAsync(CancellationToken cancellation)
    {
        var all = new List<Vm>();
        for (var number = 1; ; number++)
        {
            var page = (await machines.ListAsync(Caller.System, new VmQuery(), new PageQuery(number, PageQuery.MaxSize), cancellation)).Value;
            all.AddRange(page.Items);
            if (all.Count >= page.Total || page.Items.Count == 0) return all;
        }
    }

    private async Task VmAsync(LiveBatch<Vm> batch, CancellationToken cancellation)
    {
        if (batch.Kind is LiveKind.Snapshot) _vms.Clear();
        foreach (var key in batch.Keys)
            if (_vms.Remove(key, out var gone)) await TellAsync("vm.deleted", HostsPermissions.ReadVms, gone, cancellation);
        foreach (var vm in batch.Items)
        {
            var before = _vms.GetValueOrDefault(vm.Id.ToString());
            _vms[vm.Id.ToString()] = vm;
            if (batch.Kind is LiveKind.Snapshot) continue;
            if (before is null) await TellAsync("vm.created", HostsPermissions.ReadVms, vm, cancellation);
            if (before?.State == vm.State) continue;
            if (before is not null) await TellAsync("vm.state", HostsPermissions.ReadVms, vm, cancellation);
            if (vm.State is VmState.Running && before?.State is not VmState.Paused) await TellAsync("vm.started", HostsPermissions.ReadVms, vm, cancellation);
            if (vm.State is VmState.Off or VmState.Crashed && before is not null) await TellAsync("vm.stopped", HostsPermissions.ReadVms, vm, cancellation);
        }
    }

    private async Task HostAsync(LiveBatch<HostInfo> batch, CancellationToken cancellation)
    {
        foreach (var host in batch.Items)
        {
            var known = _hosts.TryGetValue(host.Id.ToString(), out var before);
            _hosts[host.Id.ToString()] = host.State;
            if (known && before != host.State) await TellAsync("host.state", HostsPermissions.ReadHosts, host, cancellation);
        }
    }

    private async Task PluginAsync(LiveBatch<Plugin> batch, CancellationToken cancellation)
    {
        foreach (var plugin in batch.Items)
        {
            var known = _plugins.TryGetValue(plugin.Id.ToString(), out var before);
            _plugins[plugin.Id.ToString()] = plugin.State;
            if (plugin.State is PluginState.Disabled && (!known || before is not PluginState.Disabled) && batch.Kind is LiveKind.Change) await TellAsync("plugin.disabled", PluginPermissions.Read, plugin, cancellation);
        }
    }

    private async Task OperationAsync(LiveBatch<OperationInfo> batch, DateTimeOffset began, CancellationToken cancellation)
    {
        foreach (var operation in batch.Items.Where(o => o.Ended && o.EndedAt >= began))
        {
            if (_ended.Count > 10_000) _ended.Clear();
            // Results and problems may hold more than a plug-in is to see; it reads them by REST if it may.
            if (_ended.Add(operation.Id))
                await TellAsync("operation.ended", OperationPermissions.Read, new { operation.Id, operation.Kind, operation.Target, operation.TargetName, operation.State, operation.CreatedAt, operation.EndedAt }, cancellation);
        }
    }

    private async Task TellAsync(string name, Permission permission, object subject, CancellationToken cancellation)
    {
        foreach (var full in await store.AddAsync(new WebhookEvent(name, permission.Key, subject), cancellation)) Log.Full(logger, full, WebhookStore.Waiting);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Events for plug-ins cannot be taken from {Topic}; it is tried again.")]
        public static partial void Broke(ILogger logger, Exception exception, string topic);

        [LoggerMessage(LogLevel.Warning, "The plug-in {Id} does not take its events: more than {Limit} wait, and the oldest was given up.")]
        public static partial void Full(ILogger logger, Guid id, int limit);
    }
}
