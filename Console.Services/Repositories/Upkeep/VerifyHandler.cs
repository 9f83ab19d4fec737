using Quarterdeck.Operations;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>Reads and hashes everything in a repository.</summary>
internal sealed class VerifyHandler(UpkeepCalls calls, TimeProvider time) : IOperationHandler
{
    public OperationKind Kind => UpkeepKinds.Verify;

    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var id = operation.Input<UpkeepInput>().RepositoryId;
        var found = await operation.StepAsync("verify", "Reading and hashing every chunk", c =>
            calls.WithAsync(id, "verify", repository => new Verifier(repository, time, operation.Log, (done, total) => operation.Progress(done, total, "bytes")).RunAsync(c), c));
        await calls.PointsChangedAsync(id, cancellation);
        await calls.VerifiedAsync(id, found.Damage, cancellation);
        if (found.Damage is { } damage) operation.Warn(damage);
        else if (found.DamagedChunks > 0) operation.Warn($"{found.DamagedChunks} chunks are damaged; no recovery point needs them, or there is another copy.");
        return found;
    }
}
