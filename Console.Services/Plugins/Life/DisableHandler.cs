using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Registry;
using Quarterdeck.Plugins.Webhooks;

namespace Quarterdeck.Plugins.Life;

/// <summary>Turns a plug-in off: its token is revoked in the first step.</summary>
internal sealed class DisableHandler(PluginStore plugins, TokenStore tokens, HostConnections hosts, EventStream<Plugin> stream, VisitStore visits, WebhookStore webhooks, PluginDoor door, TimeProvider time) : IOperationHandler
{
    public static readonly OperationKind DisableKind = new("plugin.disable", "Disable plug-in", PluginPermissions.Manage);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public OperationKind Kind => DisableKind;

    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var input = operation.Input<PluginInput>();
        await operation.StepAsync("refuse", "Revoking its token", async ct =>
        {
            await plugins.MoveAsync(input.PluginId, [PluginState.Enrolling, PluginState.Ready, PluginState.Degraded, PluginState.Unreachable], PluginState.Disabled, "It was disabled by an administrator.", ct);
            await tokens.RevokeAsync(input.PluginId, ct);
            await visits.RevokeAsync(input.PluginId, ct);
            await webhooks.ClearAsync(input.PluginId, ct);
            stream.Changed(input.PluginId.ToString("D"));
            await door.CloseAsync(input.PluginId, ct);
        });
        if (input.StopVm) await operation.StepAsync("stop", "Shutting its VM down", ct => StopAsync(input.PluginId, operation, ct));
        return null;
    }

    private async Task StopAsync(Guid id, IOperationContext operation, CancellationToken cancellation)
    {
        if (await plugins.FindAsync(id, cancellation) is not { } plugin) return;
        var located = await hosts.LocateAsync(plugin.VmId, cancellation);
        if (located.Problem is { } away)
        {
            if (away.Kind is not ProblemKind.NotFound) operation.Warn($"Its VM was not stopped: {away.Detail}");
            return;
        }
        var (_, hypervisor, domain) = located.Value;
        if (await hypervisor.DomainAsync(domain, cancellation) is not { State: VmState.Running or VmState.Paused }) return;
        await hypervisor.ShutdownAsync(domain, cancellation);
        for (var until = time.GetUtcNow() + Patience; time.GetUtcNow() < until;)
        {
            if (await hypervisor.DomainAsync(domain, cancellation) is not { State: VmState.Running or VmState.Paused }) return;
            await Task.Delay(TimeSpan.FromMilliseconds(500), time, cancellation);
        }
        operation.Log("The guest did not shut down within 30 s; its power was cut.");
        await hypervisor.DestroyAsync(domain, cancellation);
    }
}
