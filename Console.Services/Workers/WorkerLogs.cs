using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers;

/// <summary>Follows what workers log, for people and their tools.</summary>
/// <remarks>Nothing is kept: who watches sees what happens from then on.</remarks>
public sealed class WorkerLogs(WorkerTails tails, WorkerRegistry workers, Guard guard)
{
    /// <summary>Starts watching a worker; dispose the watch to stop. Until then each of its requests costs about twice the processor time, since it reports.</summary>
    /// <param name="caller">Who watches; needs <see cref="WorkersPermissions.Logs"/>.</param>
    /// <param name="name">The worker's name.</param>
    /// <param name="filter">Which runs are wanted.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Result<TailWatch>> WatchAsync(Caller caller, string name, TailFilter filter, CancellationToken cancellation)
    {
        if (await guard.CheckAsync(caller, WorkersPermissions.Logs, $"worker:{name}", cancellation) is { } refused) return refused;
        if (!(await workers.GetAsync(caller, name, cancellation)).TryGet(out var worker, out var problem)) return problem;
        return tails.Watch(worker.Serial, filter) is { } watch ? watch
            : Problem.Conflict("Too many watch already", $"{WorkerTails.MostWatchers} watch the log of '{name}' on this node already. Close one of them and try again.");
    }
}
