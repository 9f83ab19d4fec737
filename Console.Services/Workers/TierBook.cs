using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers;

/// <summary>Counts strikes and moves workers between the tiers: shared → cordon → off, and back after a while or by hand.</summary>
public sealed class TierBook
{
    internal TierBook() { }

    /// <summary>Moves a worker by hand; it stays there until strikes or a hand move it again.</summary>
    /// <param name="caller">Who.</param>
    /// <param name="name">The worker.</param>
    /// <param name="tier">Where to. A worker that is not trusted cannot go to <see cref="WorkerTier.Shared"/>.</param>
    /// <param name="reason">Why, for people; null for none.</param>
    /// <param name="cancellation">Gives up.</param>
    public Task<Result<TierStep>> MoveAsync(Caller caller, string name, WorkerTier tier, string? reason, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>A worker's last 100 steps, newest first.</summary>
    public Task<Result<IReadOnlyList<TierStep>>> HistoryAsync(Caller caller, string name, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Counts something against a worker, and moves it when it was too much. Says where the worker is now; a worker that is gone counts as off.</summary>
    /// <param name="serial">The worker.</param>
    /// <param name="kind">What it did.</param>
    /// <param name="detail">The same for people, such as <c>version 3 ran for 112 ms without a break, 100 are allowed</c>.</param>
    /// <param name="count">How often.</param>
    /// <param name="cancellation">Gives up.</param>
    internal Task<WorkerTier> StrikeAsync(long serial, StrikeKind kind, string detail, int count, CancellationToken cancellation) => throw new NotSupportedException();
}
