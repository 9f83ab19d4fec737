using Quarterdeck.Access;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Bindings.Crons;

namespace Quarterdeck.Workers;

/// <summary>A cron trigger of a worker's deployed versions.</summary>
/// <param name="Cron">The rule, UTC.</param>
/// <param name="NextAt">When it is due next; null for never.</param>
public sealed record CronTrigger(string Cron, DateTimeOffset? NextAt);

/// <summary>A worker's cron triggers with their newest runs.</summary>
/// <param name="Triggers">What the deployed versions have.</param>
/// <param name="Runs">At most 100, newest first; a week is kept.</param>
public sealed record CronReport(IReadOnlyList<CronTrigger> Triggers, IReadOnlyList<CronRun> Runs);

/// <summary>When workers are called without a request.</summary>
public sealed class WorkerCrons
{
    private const int Most = 100;
    private readonly CronStore _store;
    private readonly WorkerTable _table;
    private readonly Guard _guard;
    private readonly TimeProvider _time;

    internal WorkerCrons(CronStore store, WorkerTable table, Guard guard, TimeProvider time) => (_store, _table, _guard, _time) = (store, table, guard, time);

    /// <summary>Triggers and runs of a worker.</summary>
    public async Task<Result<CronReport>> GetAsync(Caller caller, string name, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, $"worker:{name}", cancellation) is { } refused) return refused;
        if (_table.Current.ByName(name) is not { } worker) return Problem.NotFound("worker", name);
        var now = _time.GetUtcNow();
        var crons = worker.Versions.SelectMany(v => v.Triggers.Crons).Distinct();
        return new CronReport([.. crons.Select(c => new CronTrigger(c, CronRule.Parse(c, "UTC") is { Ok: true } rule ? rule.Value.Next(now) : null))], await _store.NewestAsync(worker.Serial, Most, cancellation));
    }
}
