using Quarterdeck.Operations;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>What a prune did.</summary>
internal sealed record Pruned(int Removed, int Kept);

/// <summary>Removes points that have expired: those made to undo a restore with, and others with an end. Backup jobs keep their own rules.</summary>
internal sealed class PruneHandler(UpkeepCalls calls, IEnumerable<IPointUse> users, TimeProvider time) : IOperationHandler
{
    public OperationKind Kind => UpkeepKinds.Prune;

    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var pruned = await operation.StepAsync("prune", "Removing expired recovery points", c => calls.WithAsync(operation.Input<UpkeepInput>().RepositoryId, "prune", async repository =>
        {
            var removed = 0;
            var points = await repository.PointsAsync(c);
            var now = time.GetUtcNow();
            foreach (var vm in points.GroupBy(point => point.VmId))
            {
                var lastGood = vm.FirstOrDefault(point => point.Labels.Damage is null)?.Id;
                foreach (var point in vm)
                {
                    if (point.Labels.Pinned || point.Labels.ExpiresAt is not { } until || until > now || point.Id == lastGood || await NeededAsync(operation, point, c)) continue;
                    await repository.RemovePointAsync(point.Id, c);
                    operation.Log($"Removed {point.Id:D} of {point.VmName}, {point.CreatedAt:yyyy-MM-dd HH:mm:ss} UTC.");
                    operation.Progress(++removed, null, "points");
                }
            }
            return new Pruned(removed, points.Count - removed);
        }, c));
        await calls.PointsChangedAsync(operation.Input<UpkeepInput>().RepositoryId, cancellation);
        return pruned;
    }

    private async Task<bool> NeededAsync(IOperationContext operation, PointManifest point, CancellationToken cancellation)
    {
        foreach (var user in users)
            if (await user.WhyNeededAsync(point.Id, cancellation) is { } why)
            {
                operation.Log($"Kept {point.Id:D} of {point.VmName}: {why}");
                return true;
            }
        return false;
    }
}
