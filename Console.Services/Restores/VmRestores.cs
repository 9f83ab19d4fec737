using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Restores.Planning;
using Quarterdeck.Restores.Run;

namespace Quarterdeck.Restores;

/// <summary>Brings VMs back to recovery points.</summary>
public sealed class VmRestores
{
    private readonly RestoreCheck _check;
    private readonly RestorePlanner _planner;
    private readonly OperationQueue _queue;
    private readonly Guard _guard;
    private readonly TimeProvider _time;
    private readonly int _shutdownSeconds;

    internal VmRestores(RestoreCheck check, RestorePlanner planner, OperationQueue queue, Guard guard, TimeProvider time, IOptions<RestoresOptions> options) =>
        (_check, _planner, _queue, _guard, _time, _shutdownSeconds) = (check, planner, queue, guard, time, options.Value.ShutdownSeconds);

    /// <summary>What the restore would do. A plan with refusals is an answer, too: other problems are left for requests that make no sense or cannot be looked at.</summary>
    public async Task<Result<RestorePlan>> PlanAsync(Caller caller, NewRestore restore, CancellationToken cancellation)
    {
        if (await ForbiddenAsync(caller, restore, cancellation) is { } refusal) return refusal;
        return (await _check.CheckAsync(restore, planning: true, cancellation)).TryGet(out var draft, out var problem) ? await _planner.PlanAsync(draft, cancellation) : problem;
    }

    /// <summary>Queues <c>vm.restore</c>; answers the operation's id. Conflict with the plan's refusals when it cannot be done.</summary>
    public async Task<Result<Guid>> StartAsync(Caller caller, NewRestore restore, CancellationToken cancellation)
    {
        if (await ForbiddenAsync(caller, restore, cancellation) is { } refusal) return refusal;
        if (!(await _check.CheckAsync(restore, planning: false, cancellation)).TryGet(out var draft, out var problem)) return problem;
        if (!(await _planner.PlanAsync(draft, cancellation)).TryGet(out var plan, out problem)) return problem;
        if (plan.Refusals.Count > 0) return Problem.Conflict("It cannot be restored like this", string.Join(" ", plan.Refusals));
        var vmId = draft.Another ? Guid.CreateVersion7(_time.GetUtcNow()) : draft.Point.VmId;
        var input = new RestoreInput(draft.Point.Id, draft.Point.RepositoryId, restore.Mode, vmId, draft.Host.Id, draft.Name, restore.Start, restore.ShutdownSeconds ?? _shutdownSeconds) { Again = !draft.Another };
        // An instant VM is used while its data moves: it may be turned off and on, but neither backed up, changed nor deleted.
        List<ResourceLock> locks = restore.Mode == RestoreMode.Instant
            ? [new($"vm:{vmId}", LockMode.Shared), new($"vm-backup:{vmId}", LockMode.Exclusive), new($"vm-definition:{vmId}", LockMode.Exclusive)]
            : [new($"vm:{vmId}", LockMode.Exclusive)];
        locks.AddRange([ new($"repository:{draft.Point.RepositoryId}", LockMode.Shared), new($"recovery-point:{draft.Point.Id}", LockMode.Shared)]);
        // Two VMs with one name would otherwise meet only after all was written.
        if (draft.Another || draft.Vm is null) locks.Add(new($"vm-name:{draft.Host.Id}/{draft.Name}", LockMode.Exclusive));
        return await _queue.EnqueueAsync(caller, new NewOperation(RestoreKinds.Restore.Key, $"vm:{vmId}", draft.Name, input) { Locks = locks }, cancellation);
    }

    private async Task<Problem?> ForbiddenAsync(Caller caller, NewRestore restore, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, RestoresPermissions.Run, $"recovery-point:{restore.RecoveryPointId}", cancellation)
        ?? (restore.Mode is RestoreMode.New or RestoreMode.Instant ? await _guard.CheckAsync(caller, HostsPermissions.ManageVms, "vm", cancellation) : null);
}
