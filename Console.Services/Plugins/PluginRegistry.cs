using Quarterdeck.Access;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Life;
using Quarterdeck.Plugins.Registry;

namespace Quarterdeck.Plugins;

/// <summary>The plug-ins: reading them, and their life cycle.</summary>
public sealed class PluginRegistry
{
    private readonly PluginStore _store;
    private readonly Guard _guard;
    private readonly OperationQueue _queue;
    private readonly AuditLog _audit;
    private readonly Upgrades _upgrades;
    private readonly MomentStore _moments;

    internal PluginRegistry(PluginStore store, Guard guard, OperationQueue queue, AuditLog audit, Upgrades upgrades, MomentStore moments) =>
        (_store, _guard, _queue, _audit, _upgrades, _moments) = (store, guard, queue, audit, upgrades, moments);

    /// <summary>One page of plug-ins by name, or by <c>key</c>, <c>vendor</c>, <c>version</c>, <c>state</c>, <c>createdAt</c>. The search looks into key, name and vendor.</summary>
    public async Task<Result<Page<Plugin>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, PluginPermissions.Read, "plugin", cancellation) is { } refused ? refused : await _store.ListAsync(page, cancellation);

    /// <summary>One plug-in.</summary>
    public async Task<Result<Plugin>> GetAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, PluginPermissions.Read, $"plugin:{id:D}", cancellation) is { } refused) return refused;
        return await _store.FindAsync(id, cancellation) is { } row ? row.ToPlugin() : Problem.NotFound("plug-in", id);
    }

    /// <summary>The plug-in of a VM, or null when it is none.</summary>
    public async Task<Result<Plugin?>> OfVmAsync(Caller caller, Guid vmId, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, PluginPermissions.Read, "plugin", cancellation) is { } refused ? refused : (await _store.OfVmAsync(vmId, cancellation))?.ToPlugin();

    /// <summary>Queues: accept its token again, and start its VM when that is off. Returns the operation's id.</summary>
    public Task<Result<Guid>> EnableAsync(Caller caller, Guid id, CancellationToken cancellation) =>
        QueueAsync(caller, id, EnableHandler.EnableKind, new PluginInput(id), [PluginState.Disabled], "Only a disabled plug-in can be enabled.", cancellation);

    /// <summary>Queues: refuse its token from now on, and shut its VM down if <paramref name="stopVm"/>. Returns the operation's id.</summary>
    public Task<Result<Guid>> DisableAsync(Caller caller, Guid id, bool stopVm, CancellationToken cancellation) =>
        QueueAsync(caller, id, DisableHandler.DisableKind, new PluginInput(id, stopVm), [PluginState.Ready, PluginState.Degraded, PluginState.Unreachable], "Only a plug-in that has enrolled can be disabled.", cancellation);

    /// <summary>Queues: remove its VM with disks and environment, its token and its rows; works when the VM is gone. Returns the operation's id.</summary>
    public Task<Result<Guid>> UninstallAsync(Caller caller, Guid id, CancellationToken cancellation) =>
        QueueAsync(caller, id, UninstallHandler.UninstallKind, new PluginInput(id),
            [PluginState.Ready, PluginState.Degraded, PluginState.Unreachable, PluginState.Disabled, PluginState.Uninstalling], "It is being installed: cancel that operation, and everything it made is removed.", cancellation);

    /// <summary>Whether the caller may upgrade plug-ins; asked before the first byte of an upload is read.</summary>
    public async Task<Result<Done>> MayUpgradeAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, PluginPermissions.Manage, $"plugin:{id:D}", cancellation) is { } refused) return refused;
        return await _store.FindAsync(id, cancellation) is null ? Problem.NotFound("plug-in", id) : Done.It;
    }

    /// <summary>Reads a newer package once, straight into disks on the plug-in's host while the present version runs, then queues the exchange: VM, MAC addresses and data disks stay, and everything goes back unless the new version says that it is well.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="id">The plug-in.</param>
    /// <param name="spec">What to change about the deployment.</param>
    /// <param name="ova">The package; read once, not sought.</param>
    /// <param name="length">Its bytes in all, for the progress; null when unknown.</param>
    /// <param name="cancellation">Ends the upload; what was made is removed.</param>
    /// <param name="began">Told the operation's id before the first byte is read.</param>
    /// <returns>The operation's id (kind <c>plugin.upgrade</c>). A package of another key, not newer, or that gives up a data disk is refused.</returns>
    public async Task<Result<Guid>> UpgradeAsync(Caller caller, Guid id, UpgradeSpec spec, Stream ova, long? length, CancellationToken cancellation, Action<Guid>? began = null)
    {
        if (await _guard.CheckAsync(caller, PluginPermissions.Manage, $"plugin:{id:D}", cancellation) is { } refused) return refused;
        return await _store.FindAsync(id, cancellation) is { } plugin ? await _upgrades.BeginAsync(caller, plugin, spec, ova, length, began, cancellation) : Problem.NotFound("plug-in", id);
    }

    /// <summary>The last changes of its state and health, newest first, at most 200.</summary>
    public async Task<Result<IReadOnlyList<PluginMoment>>> HistoryAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, PluginPermissions.Read, $"plugin:{id:D}", cancellation) is { } refused) return refused;
        return await _store.FindAsync(id, cancellation) is null ? Problem.NotFound("plug-in", id) : Result<IReadOnlyList<PluginMoment>>.From(await _moments.ListAsync(id, cancellation));
    }

    private async Task<Result<Guid>> QueueAsync(Caller caller, Guid id, OperationKind kind, PluginInput input, PluginState[] from, string otherwise, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, PluginPermissions.Manage, $"plugin:{id:D}", cancellation) is { } refused) return refused;
        if (await _store.FindAsync(id, cancellation) is not { } plugin) return Problem.NotFound("plug-in", id);
        if (!from.Contains(plugin.State)) return Problem.Conflict("The plug-in's state forbids it", $"{plugin.Name} is {plugin.State.ToString().ToLowerInvariant()}. {otherwise}");
        var queued = await _queue.EnqueueAsync(caller, new NewOperation(kind.Key, $"plugin:{id:D}", plugin.Name, input)
        {
            Locks = [new ResourceLock($"plugin:{id:D}", LockMode.Exclusive), new ResourceLock($"vm:{plugin.VmId:D}", LockMode.Exclusive)],
        }, cancellation);
        if (queued.Ok) await _audit.WriteAsync(caller, kind.Key, $"plugin:{id:D}", plugin.Name, new { plugin.State }, new { operationId = queued.Value, input.StopVm }, cancellation);
        return queued;
    }
}
