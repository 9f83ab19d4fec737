using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers;

/// <summary>Which versions of a worker answer, now and before.</summary>
public sealed class WorkerDeployments
{
    internal WorkerDeployments() { }

    /// <summary>One page, newest first.</summary>
    public Task<Result<Page<WorkerDeployment>>> ListAsync(Caller caller, string name, PageQuery page, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Lets versions answer from now on; answers once this node routes to them.</summary>
    public Task<Result<WorkerDeployment>> DeployAsync(Caller caller, string name, NewDeployment wanted, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Deploys again what answered before the deployment of now.</summary>
    public Task<Result<WorkerDeployment>> RollBackAsync(Caller caller, string name, CancellationToken cancellation) => throw new NotSupportedException();
}
