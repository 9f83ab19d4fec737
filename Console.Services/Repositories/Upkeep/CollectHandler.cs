using Quarterdeck.Operations;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>Frees what no point needs.</summary>
internal sealed class CollectHandler(UpkeepCalls calls, TimeProvider time) : IOperationHandler
{
    public OperationKind Kind => UpkeepKinds.Collect;

    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation) =>
        await operation.StepAsync("collect", "Freeing what no recovery point needs", c => calls.WithAsync(operation.Input<UpkeepInput>().RepositoryId, Repository.Collecting,
            repository => new Collector(repository, time, operation.Log, (done, total) => operation.Progress(done, total, "points")).RunAsync(c), c));
}
