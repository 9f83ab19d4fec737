using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Registry;

namespace Quarterdeck.Plugins.Life;

/// <summary>Follows the plug-ins' VMs: where they were moved to, what they are called now, and why a silent one is silent.</summary>
internal sealed partial class VmWatch(
    WhereaboutsStore store, HostConnections hosts, ApplianceRemoval appliances, AuditLog audit, EventStream<Plugin> stream, TimeProvider time, IOptions<PluginsOptions> options, ILogger<VmWatch> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.HeartbeatSeconds) / 3, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            // Before every host was tried, a VM that is not known may only not be known yet.
            if (!hosts.Settled) continue;
            try { await LookAsync(stoppingToken); }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested) { Log.Failed(logger, e); }
        }
    }

    internal async Task LookAsync(CancellationToken cancellation)
    {
        foreach (var plugin in await store.ListAsync(cancellation))
        {
            var places = await hosts.OfDomainAsync(plugin.Domain, cancellation);
            // While it is being moved both hosts have it; the one where it runs counts.
            var vm = places.FirstOrDefault(p => p.State is VmState.Running && p.Reachable) ?? places.FirstOrDefault(p => p.HostId == plugin.HostId) ?? places.FirstOrDefault();
            if (vm is not null) await FollowAsync(plugin, vm, cancellation);
            if (plugin.Silent && await store.ExplainAsync(plugin.Id, Why(vm), cancellation)) stream.Changed(plugin.Id.ToString("D"));
        }
    }

    private async Task FollowAsync(Whereabouts plugin, Vm vm, CancellationToken cancellation)
    {
        var moved = vm.HostId != plugin.HostId || vm.Id != plugin.VmId;
        if (!moved && vm.Name == plugin.VmName) return;
        var news = moved ? $"Its VM is on the host {vm.HostName} now." : plugin.VmName is null ? null : $"Its VM is called {vm.Name} now; it was {plugin.VmName}.";
        if (moved) await appliances.MovedAsync(plugin.Domain, vm.HostId, cancellation);
        await store.IsAtAsync(plugin.Id, vm.HostId, vm.Id, vm.Name, news, cancellation);
        if (news is null) return;
        await audit.WriteAsync(Caller.System, moved ? "plugin.vm.moved" : "plugin.vm.renamed", $"plugin:{plugin.Id:D}", plugin.Name, new { plugin.HostId, plugin.VmName }, new { vm.HostId, VmName = vm.Name }, cancellation);
        stream.Changed(plugin.Id.ToString("D"));
    }

    /// <summary>Why nothing is heard, with the next step.</summary>
    private string Why(Vm? vm) => vm switch
    {
        null => "Its VM is gone: it was deleted outside the console. Uninstall the plug-in, or restore the VM.",
        { Reachable: false } => $"Its host {vm.HostName} is disconnected{(hosts.Get(vm.HostId).Problem is { } away ? $": {away.Detail}" : ".")}",
        { State: VmState.Off } => $"Its VM {vm.Name} is off. Start it.",
        { State: VmState.Paused } => $"Its VM {vm.Name} is paused. Resume it.",
        { State: VmState.Crashed } => $"Its VM {vm.Name} has crashed. Look at its console and start it again.",
        _ => $"Its VM {vm.Name} runs, but its heartbeats are missing. Look at its console; does its network reach the console's appliance address?",
    };

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The VMs of plug-ins could not be looked at.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
