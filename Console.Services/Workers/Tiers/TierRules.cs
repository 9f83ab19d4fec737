using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers.Tiers;

/// <summary>A worker's standing.</summary>
/// <param name="Tier">Where it is.</param>
/// <param name="Trusted">Whether it may be shared.</param>
/// <param name="ByHand">Whether a person put it there.</param>
/// <param name="Score">Strikes since its last step, faded to now.</param>
/// <param name="Punished">Steps that strikes made in the last day.</param>
internal sealed record Standing(WorkerTier Tier, bool Trusted, bool ByHand, double Score, int Punished);

/// <summary>Where a worker goes.</summary>
/// <param name="Tier">Where to.</param>
/// <param name="Cause">Who may bring it back; null when it is shared.</param>
/// <param name="Until">When it goes back by itself; null when it stays.</param>
internal sealed record Move(WorkerTier Tier, TierCause? Cause, DateTimeOffset? Until);

/// <summary>What weighs how much, and what follows.</summary>
internal static class TierRules
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    /// <summary>What one occurrence weighs. Whoever ends a process that others use has used up its credit at once.</summary>
    public static double Weight(StrikeKind kind) => kind switch
    {
        StrikeKind.Rate => 0.25,
        StrikeKind.Cpu or StrikeKind.Startup => 1,
        StrikeKind.Heap or StrikeKind.Buffers => 1.5,
        _ => 3,
    };

    /// <summary>A score after a time.</summary>
    public static double Faded(double score, TimeSpan age, TiersOptions options) => score * Math.Pow(0.5, Math.Max(0, age.TotalMinutes) / options.HalfLifeMinutes);

    /// <summary>What a score leads to; null when nothing.</summary>
    public static Move? Judge(Standing standing, TiersOptions options, DateTimeOffset now) => standing.Tier switch
    {
        WorkerTier.Shared when standing.Score >= options.CordonStrikes => new(WorkerTier.Cordon, TierCause.Strikes, now + Term(options.CordonMinutes, standing)),
        // A person who set it apart is asked before it comes back.
        WorkerTier.Cordon when standing.Score >= options.OffStrikes => new(WorkerTier.Off, TierCause.Strikes, standing.ByHand ? null : now + Term(options.OffMinutes, standing)),
        _ => null,
    };

    /// <summary>Where a worker goes whose time is over: one step back, never further than it is trusted.</summary>
    public static Move Return(Standing standing, TiersOptions options, DateTimeOffset now) =>
        standing is { Tier: WorkerTier.Off, Trusted: true } ? new(WorkerTier.Cordon, TierCause.Strikes, now + Term(options.CordonMinutes, standing))
        : standing.Trusted ? new(WorkerTier.Shared, null, null)
        : new(WorkerTier.Cordon, TierCause.Trust, null);

    private static TimeSpan Term(double minutes, Standing standing)
    {
        var term = TimeSpan.FromMinutes(minutes * Math.Pow(2, Math.Min(standing.Punished, 12)));
        return term < Longest ? term : Longest;
    }
}
