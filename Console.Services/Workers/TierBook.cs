using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Registry;
using Quarterdeck.Workers.Tiers;

namespace Quarterdeck.Workers;

/// <summary>Counts strikes and moves workers between the tiers: shared → cordon → off, and back after a while or by hand. Each step is in the audit log and on the worker, with its reason.</summary>
public sealed partial class TierBook
{
    private readonly TierStore _store;
    private readonly WorkerStore _workers;
    private readonly WorkerNews _news;
    private readonly Guard _guard;
    private readonly TiersOptions _options;
    private readonly ILogger<TierBook> _logger;

    internal TierBook(TierStore store, WorkerStore workers, WorkerNews news, Guard guard, IOptions<TiersOptions> options, ILogger<TierBook> logger) =>
        (_store, _workers, _news, _guard, _options, _logger) = (store, workers, news, guard, options.Value, logger);

    /// <summary>Moves a worker by hand; it stays there until strikes or a hand move it again.</summary>
    /// <param name="caller">Who.</param>
    /// <param name="name">The worker.</param>
    /// <param name="tier">Where to. A worker that is not trusted cannot go to <see cref="WorkerTier.Shared"/>.</param>
    /// <param name="reason">Why, for people, at most 500 characters; null for none.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Result<TierStep>> MoveAsync(Caller caller, string name, WorkerTier tier, string? reason, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Manage, $"worker:{name}", cancellation) is { } refused) return refused;
        if (!Enum.IsDefined(tier)) return Problem.Invalid("tier", "There is no such tier.", "Give shared, cordon or off.");
        if (reason is { Length: > 500 }) return Problem.Invalid("reason", $"It has {reason.Length} characters.", "Give at most 500.");
        if (await _workers.FindAsync(name, cancellation) is not { } worker) return Problem.NotFound("worker", name);
        if (tier is WorkerTier.Shared && !worker.Trusted)
            return Problem.Conflict("The worker is not trusted", $"'{name}' was deployed by {worker.CreatedBy}, who is not trusted to share a process with others' workers. Trust the worker first.");
        var step = await _store.MoveAsync(caller, worker.Serial, tier, string.IsNullOrWhiteSpace(reason) ? $"{caller.Name} moved it by hand." : reason.Trim(),
            now => now.Tier == tier && tier is WorkerTier.Shared, cancellation);
        if (step is null) return Problem.Conflict("Nothing to do", $"'{name}' is shared already, or was deleted meanwhile.");
        Tell(step);
        return step.Step;
    }

    /// <summary>A worker's last 100 steps, newest first.</summary>
    public async Task<Result<IReadOnlyList<TierStep>>> HistoryAsync(Caller caller, string name, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, $"worker:{name}", cancellation) is { } refused) return refused;
        return await _workers.FindAsync(name, cancellation) is { } worker ? Result<IReadOnlyList<TierStep>>.From(await _store.HistoryAsync(worker.Serial, cancellation)) : Problem.NotFound("worker", name);
    }

    /// <summary>Workers that a person should look at: set apart by strikes, or off; the last change first, at most 100.</summary>
    public async Task<Result<IReadOnlyList<Worker>>> ApartAsync(Caller caller, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, WorkersPermissions.Read, "worker", cancellation) is { } refused ? refused : Result<IReadOnlyList<Worker>>.From(await _workers.ApartAsync(cancellation));

    /// <summary>Counts something against a worker, and moves it when it was too much. Says where the worker is now; a worker that is gone counts as off.</summary>
    /// <param name="serial">The worker.</param>
    /// <param name="kind">What it did.</param>
    /// <param name="detail">The same for people, such as <c>version 3: a turn took 112 ms of CPU</c>; shown as the reason of a step.</param>
    /// <param name="count">How often.</param>
    /// <param name="cancellation">Gives up.</param>
    internal async Task<WorkerTier> StrikeAsync(long serial, StrikeKind kind, string detail, int count, CancellationToken cancellation)
    {
        var (tier, step) = await _store.StrikeAsync(serial, TierRules.Weight(kind) * count, detail, _options, cancellation);
        if (step is not null) Tell(step);
        return tier ?? WorkerTier.Off;
    }

    /// <summary>Takes workers whose time is over one step back.</summary>
    internal async Task ReturnDueAsync(CancellationToken cancellation)
    {
        foreach (var step in await _store.ReturnAsync(_options, cancellation)) Tell(step);
    }

    private void Tell(TakenStep taken)
    {
        _news.Worker(taken.WorkerId, taken.Serial);
        if (taken.Step.To > taken.Step.From) Log.SetApart(_logger, taken.Name, taken.Step.From, taken.Step.To, taken.Step.Reason, taken.Step.Until);
        else Log.CameBack(_logger, taken.Name, taken.Step.From, taken.Step.To, taken.Step.Reason);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Worker {Name} went from {From} to {To}: {Reason} (until {Until})")]
        public static partial void SetApart(ILogger logger, string name, WorkerTier from, WorkerTier to, string reason, DateTimeOffset? until);

        [LoggerMessage(LogLevel.Information, "Worker {Name} came back from {From} to {To}: {Reason}")]
        public static partial void CameBack(ILogger logger, string name, WorkerTier from, WorkerTier to, string reason);
    }
}
