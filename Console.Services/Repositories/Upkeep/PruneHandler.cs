using Quarterdeck.Operations;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>What a prune did.</summary>
internal sealed record Pruned(int Removed, int Kept);

/// <summary>Removes points that have expired, and those that a retention does not keep.</summary>
internal sealed class PruneHandler(UpkeepCalls calls, IEnumerable<IPointUse> users, TimeProvider time) : IOperationHandler
{
    public OperationKind Kind => UpkeepKinds.Prune;

    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var input = operation.Input<PruneInput>();
        return await operation.StepAsync("prune", "Removing recovery points", c => calls.WithAsync(input.RepositoryId, "prune", async repository =>
        {
            var (removed, kept) = (0, 0);
            var points = await repository.PointsAsync(c);
            foreach (var vm in points.GroupBy(point => point.VmId))
                foreach (var (point, why) in (input.Retention ?? new Retention()).Decide(vm, time.GetUtcNow(), TimeZoneInfo.Utc))
                {
                    if (why is not null || await NeededAsync(operation, point, c))
                    {
                        kept++;
                        continue;
                    }
                    await repository.RemovePointAsync(point.Id, c);
                    operation.Log($"Removed {point.Id:D} of {point.VmName}, {point.CreatedAt:yyyy-MM-dd HH:mm:ss} UTC.");
                    operation.Progress(++removed, null, "points");
                }
            return new Pruned(removed, kept);
        }, c));
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
