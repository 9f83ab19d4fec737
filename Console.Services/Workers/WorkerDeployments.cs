using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers;

/// <summary>Which versions of a worker answer, now and before.</summary>
public sealed class WorkerDeployments
{
    private readonly WorkerStore _workers;
    private readonly DeploymentStore _store;
    private readonly Deployer _deployer;
    private readonly Guard _guard;

    internal WorkerDeployments(WorkerStore workers, DeploymentStore store, Deployer deployer, Guard guard) => (_workers, _store, _deployer, _guard) = (workers, store, deployer, guard);

    /// <summary>One page, newest first.</summary>
    public async Task<Result<Page<WorkerDeployment>>> ListAsync(Caller caller, string name, PageQuery page, CancellationToken cancellation) =>
        (await WorkerAsync(caller, WorkersPermissions.Read, name, cancellation)).TryGet(out var worker, out var problem) ? await _store.ListAsync(worker.Serial, page, cancellation) : problem;

    /// <summary>Lets versions answer from now on; answers once this node routes to them.</summary>
    public async Task<Result<WorkerDeployment>> DeployAsync(Caller caller, string name, NewDeployment wanted, CancellationToken cancellation)
    {
        if (!(await WorkerAsync(caller, WorkersPermissions.Deploy, name, cancellation)).TryGet(out var worker, out var problem)) return problem;
        return Deployer.Read(wanted, caller.Name).TryGet(out var draft, out problem) ? await _deployer.DeployAsync(caller, worker, draft, null, cancellation) : problem;
    }

    /// <summary>Deploys again what answered before the deployment of now.</summary>
    public async Task<Result<WorkerDeployment>> RollBackAsync(Caller caller, string name, CancellationToken cancellation)
    {
        if (!(await WorkerAsync(caller, WorkersPermissions.Deploy, name, cancellation)).TryGet(out var worker, out var problem)) return problem;
        if (worker.Deployment is not { } now) return Problem.Conflict("Nothing is deployed", $"'{name}' was never deployed. Deploy one of its versions.");
        if (await _store.BeforeAsync(worker.Serial, now, cancellation) is not { } before)
            return Problem.Conflict("Nothing to go back to", $"'{name}' had no other deployment before. Deploy one of its versions by number.");
        var draft = new DeploymentDraft(before.Versions, before.Sticky, $"Back to deployment {before.Number}.", false, caller.Name);
        return await _deployer.DeployAsync(caller, worker, draft, now.Number, cancellation);
    }

    private async Task<Result<Worker>> WorkerAsync(Caller caller, Permission permission, string name, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, permission, $"worker:{name}", cancellation) is { } refused) return refused;
        return await _workers.FindAsync(name, cancellation) is { } worker ? worker : Problem.NotFound("worker", name);
    }
}
