using Quarterdeck.Appliances;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Registry;

namespace Quarterdeck.Plugins.Life;

/// <summary>Removes a plug-in with all that its installation made.</summary>
internal sealed class UninstallHandler(PluginStore plugins, ApplianceRemoval removal, EventStream<Plugin> stream) : IOperationHandler
{
    public static readonly OperationKind UninstallKind = new("plugin.uninstall", "Uninstall plug-in", PluginPermissions.Manage) { MaxAttempts = 5 };

    public OperationKind Kind => UninstallKind;

    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var id = operation.Input<PluginInput>().PluginId;
        if (await plugins.FindAsync(id, cancellation) is not { } plugin) return null;
        await operation.StepAsync("refuse", "Refusing its token", async ct =>
        {
            await plugins.MoveAsync(id, Enum.GetValues<PluginState>(), PluginState.Uninstalling, null, ct);
            stream.Changed(id.ToString("D"));
        });
        await operation.StepAsync("remove", "Removing its VM, disks and environment", async ct =>
        {
            try
            {
                foreach (var path in await removal.RemoveAsync(plugin.ApplianceId, ct)) operation.Warn($"{path} stays: its host is not managed any more.");
            }
            catch (ProblemException e) when (e.Problem.Kind is ProblemKind.Unavailable) { throw new TransientException(e.Problem.Detail, e); }
        });
        await operation.StepAsync("forget", "Forgetting it", async ct =>
        {
            await plugins.RemoveAsync(id, ct);
            stream.Remove(id.ToString("D"));
        });
        return null;
    }
}
