using Quarterdeck.Operations;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>Copies points to another repository.</summary>
internal sealed class CopyHandler(UpkeepCalls calls) : IOperationHandler
{
    public OperationKind Kind => UpkeepKinds.Copy;

    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var input = operation.Input<CopyInput>();
        var copied = await operation.StepAsync("copy", "Copying recovery points", c => calls.WithAsync(input.RepositoryId, "copy", from => calls.WithAsync(input.TargetId, "copy",
            to => new PointCopy(from, to, operation.Log, (done, total) => operation.Progress(done, total, "points")).RunAsync(input.PointIds, c), c), c));
        await calls.PointsChangedAsync(input.TargetId, cancellation);
        return copied;
    }
}
