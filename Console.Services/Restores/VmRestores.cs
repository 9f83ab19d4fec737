using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Restores;

/// <summary>Brings VMs back to recovery points.</summary>
public sealed class VmRestores
{
    internal VmRestores() { }

    /// <summary>What the restore would do. A plan with refusals is an answer, too: NotFound, Invalid and Unavailable are left for requests that make no sense or cannot be looked at.</summary>
    public Task<Result<RestorePlan>> PlanAsync(Caller caller, NewRestore restore, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Queues <c>vm.restore</c>; answers the operation's id. Conflict with the plan's refusals when it cannot be done.</summary>
    public Task<Result<Guid>> StartAsync(Caller caller, NewRestore restore, CancellationToken cancellation) => throw new NotSupportedException();
}
