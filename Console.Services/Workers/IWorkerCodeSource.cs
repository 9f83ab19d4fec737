namespace Quarterdeck.Workers;

/// <summary>Where compute servers get code from; the registry's <c>WorkerCodeStore</c>.</summary>
public interface IWorkerCodeSource
{
    /// <summary>The code of a version with the values of its secrets; null when there is none. The reader checks <see cref="WorkerCode.IsIntact"/>.</summary>
    /// <exception cref="System.Data.Common.DbException">The store is away; what the node has kept of earlier loads is used then.</exception>
    Task<WorkerCode?> LoadAsync(WorkerKey key, CancellationToken cancellation);
}
