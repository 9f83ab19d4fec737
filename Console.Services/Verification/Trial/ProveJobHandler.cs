using Quarterdeck.Access;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Verification.Trial;

/// <summary>Input of <c>backup-job.prove</c>.</summary>
internal sealed record JobProof(Guid JobId, string Name, ProofChecks? Checks);

/// <summary><c>backup-job.prove</c>: a part for each VM that the job has a point of, one after the other, so that a night's proofs need no more memory than one VM.</summary>
internal sealed class ProveJobHandler(JobPoints points, Func<Proofs> proofs, OperationReader reader, TimeProvider time) : IOperationHandler
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc/>
    public OperationKind Kind => ProofKinds.ProveJob;

    /// <inheritdoc/>
    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var input = operation.Input<JobProof>();
        var newest = await operation.StepAsync("choose", "Choosing recovery points", c => points.NewestAsync(input.JobId, c));
        if (newest.Count == 0) throw new ProblemException(Problem.Conflict("Nothing to prove", $"'{input.Name}' has no good recovery point yet."));
        var passed = 0;
        foreach (var (i, point) in newest.Index())
        {
            operation.Progress(i, newest.Count, "VMs");
            var failure = await operation.StepAsync($"vm-{point.VmId:N}", $"Proving {point.VmName}", c => ProveAsync(operation, point, input.Checks, c));
            if (failure is null) passed++;
            else operation.Warn($"{point.VmName}: {failure}");
        }
        if (passed == 0) throw new ProblemException(Problem.Conflict("No recovery point proved itself", "None of the job's newest points held its checks; the parts tell why."));
        return new { vms = newest.Count, passed, failed = newest.Count - passed };
    }

    private async Task<string?> ProveAsync(IOperationContext operation, JobPoint point, ProofChecks? checks, CancellationToken cancellation)
    {
        var queued = await proofs().StartAsync(operation.RequestedBy, new NewProof(point.Id, checks, point.RepositoryId) { Parent = operation.Id }, cancellation);
        if (!queued.TryGet(out var id, out var problem)) return problem.Detail;
        while (true)
        {
            if ((await reader.GetAsync(Caller.System, id, cancellation)).TryGet(out var part, out _) && part.Ended)
                return part.State is OperationState.Succeeded or OperationState.Warning ? null : part.Problem?.Detail ?? $"Its proof was {part.State.ToString().ToLowerInvariant()}.";
            await Task.Delay(Glance, time, cancellation);
        }
    }
}
