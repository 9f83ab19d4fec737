using Microsoft.Extensions.Options;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Registry;

namespace Quarterdeck.Plugins.Life;

/// <summary>Turns a plug-in on again: for a while its revoked token can be exchanged for a new one by a heartbeat, and its VM is started when it is off.</summary>
internal sealed class EnableHandler(PluginStore plugins, TokenStore tokens, HostConnections hosts, EventStream<Plugin> stream, TimeProvider time, IOptions<PluginsOptions> options) : IOperationHandler
{
    public static readonly OperationKind EnableKind = new("plugin.enable", "Enable plug-in", PluginPermissions.Manage);

    public OperationKind Kind => EnableKind;

    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var id = operation.Input<PluginInput>().PluginId;
        await operation.StepAsync("look", "Looking for its VM", async ct =>
        {
            if (await plugins.FindAsync(id, ct) is { } plugin) await LocateAsync(plugin, ct);
        });
        await operation.StepAsync("accept", "Letting it exchange its revoked token", async ct =>
        {
            await tokens.ReopenAsync(id, time.GetUtcNow() + options.Value.EnrolmentWindow, ct);
            await plugins.MoveAsync(id, [PluginState.Disabled], PluginState.Unreachable, "It was enabled and has not been heard yet.", ct);
            stream.Changed(id.ToString("D"));
        });
        await operation.StepAsync("start", "Starting its VM", ct => StartAsync(id, ct));
        if (!await operation.StepAsync("ready", "Waiting until it is ready", ct => HeardAsync(id, ct)))
            operation.Warn("The plug-in is enabled, but has not been heard yet. Look at its VM's console.");
        return null;
    }

    private async Task StartAsync(Guid id, CancellationToken cancellation)
    {
        if (await plugins.FindAsync(id, cancellation) is not { } plugin) return;
        var (_, hypervisor, domain) = await LocateAsync(plugin, cancellation);
        if (await hypervisor.DomainAsync(domain, cancellation) is { State: VmState.Off or VmState.Crashed }) await hypervisor.StartAsync(domain, cancellation);
    }

    /// <exception cref="ProblemException">The VM is gone.</exception>
    /// <exception cref="TransientException">Its host is away.</exception>
    private async Task<LocatedVm> LocateAsync(PluginRow plugin, CancellationToken cancellation)
    {
        if ((await hosts.LocateAsync(plugin.VmId, cancellation)).TryGet(out var vm, out var problem)) return vm;
        throw problem.Kind is ProblemKind.Unavailable ? new TransientException(problem.Detail)
            : new ProblemException(Problem.Conflict("The VM is gone", $"The VM of {plugin.Name} does not exist any more, so that it stays disabled. Restore the VM, or uninstall the plug-in."));
    }

    private async Task<bool> HeardAsync(Guid id, CancellationToken cancellation)
    {
        for (var until = time.GetUtcNow() + options.Value.ReadyWindow; time.GetUtcNow() < until;)
        {
            if ((await plugins.FindAsync(id, cancellation))?.State is PluginState.Ready or PluginState.Degraded or PluginState.Disabled or null) return true;
            await Task.Delay(TimeSpan.FromMilliseconds(500), time, cancellation);
        }
        return false;
    }
}
