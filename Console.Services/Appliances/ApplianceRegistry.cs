using Quarterdeck.Access;
using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances;

/// <summary>The deployed appliances: reading them, sealing their environment, removing them.</summary>
public sealed class ApplianceRegistry
{
    private readonly ApplianceStore _store;
    private readonly Guard _guard;
    private readonly OperationQueue _queue;

    internal ApplianceRegistry(ApplianceStore store, Guard guard, OperationQueue queue) => (_store, _guard, _queue) = (store, guard, queue);

    /// <summary>One page of appliances by <c>name</c>, <c>product</c>, <c>vendor</c>, <c>publisher</c> or <c>createdAt</c> (newest first unless sorted otherwise). The search looks into name, product, vendor and publisher.</summary>
    public async Task<Result<Page<Appliance>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, AppliancePermissions.Read, "appliance", cancellation) is { } refused ? refused : await _store.ListAsync(page, cancellation);

    /// <summary>One appliance.</summary>
    public async Task<Result<Appliance>> GetAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, AppliancePermissions.Read, $"appliance:{id:D}", cancellation) is { } refused) return refused;
        return await _store.FindAsync(id, cancellation) is { } row ? row.ToAppliance() : Problem.NotFound("appliance", id);
    }

    /// <summary>Queues: take the passwords out of its environment now instead of at its first power-off. Returns the operation's id.</summary>
    /// <returns>Refused with a conflict when there is nothing to take out, or when it is a plug-in on its way: that is sealed when it has enrolled.</returns>
    public async Task<Result<Guid>> SealAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, AppliancePermissions.Manage, $"appliance:{id:D}", cancellation) is { } refused) return refused;
        if (await _store.FindAsync(id, cancellation) is not { } row) return Problem.NotFound("appliance", id);
        if (row.Environment is not EnvironmentState.Open) return Problem.Conflict("There is nothing to take out", $"The environment of {row.Name} holds no passwords{(row.Environment is EnvironmentState.Sealed ? " any more" : "")}.");
        if (row.Contributed) return Problem.Conflict("It has not enrolled yet", $"{row.Name} is a plug-in: its token and passwords are taken out as soon as it has enrolled.");
        return await _queue.EnqueueAsync(caller, SealHandler.Sealing(row, asked: true), cancellation);
    }

    /// <summary>Queues: remove its VM with disks and environment; works when the VM is gone. Returns the operation's id.</summary>
    /// <returns>Refused with a conflict when it is a plug-in, which is uninstalled instead.</returns>
    public async Task<Result<Guid>> RemoveAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, AppliancePermissions.Manage, $"appliance:{id:D}", cancellation) is { } refused) return refused;
        if (await _store.FindAsync(id, cancellation) is not { } row) return Problem.NotFound("appliance", id);
        if (row.Contributed) return Problem.Conflict("It is a plug-in", $"{row.Name} is a plug-in: uninstall it under Plug-ins, which removes its VM, disks and token together.");
        return await _queue.EnqueueAsync(caller, new NewOperation(RemoveHandler.RemoveKind.Key, $"appliance:{id:D}", row.Name, new ApplianceInput(id))
        {
            Locks = [new ResourceLock($"vm:{row.VmId:D}", LockMode.Exclusive)],
        }, cancellation);
    }
}
