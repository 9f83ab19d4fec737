using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers;

/// <summary>Limits and trust that the administrator set for all workers.</summary>
public sealed class WorkerPolicies
{
    internal WorkerPolicies() { }

    /// <summary>What is set.</summary>
    public Task<Result<WorkerPolicy>> GetAsync(Caller caller, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Sets it for all, at once.</summary>
    public Task<Result<WorkerPolicy>> SetAsync(Caller caller, WorkerPolicy policy, CancellationToken cancellation) => throw new NotSupportedException();
}
