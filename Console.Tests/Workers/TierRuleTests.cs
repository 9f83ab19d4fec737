using Quarterdeck.Workers;
using Quarterdeck.Workers.Registry;
using Quarterdeck.Workers.Tiers;

namespace Quarterdeck.Tests.Workers;

/// <summary>What weighs how much, and what follows.</summary>
public sealed class TierRuleTests
{
    private static readonly TiersOptions Options = new();
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Old_strikes_fade_and_never_grow()
    {
        TierRules.Faded(8, TimeSpan.FromMinutes(20), Options).ShouldBe(2, 1e-9);
        TierRules.Faded(8, TimeSpan.FromMinutes(-5), Options).ShouldBe(8, "a clock that was set back");
    }

    [Fact]
    public void Ending_a_process_is_enough_for_a_cordon_and_a_busy_worker_is_not()
    {
        TierRules.Weight(StrikeKind.Crash).ShouldBeGreaterThanOrEqualTo(Options.CordonStrikes);
        TierRules.Weight(StrikeKind.Stuck).ShouldBeGreaterThanOrEqualTo(Options.CordonStrikes);
        TierRules.Weight(StrikeKind.Rate).ShouldBeLessThan(1);
    }

    [Theory]
    [InlineData(0, 30)]
    [InlineData(1, 60)]
    [InlineData(5, 960)]
    [InlineData(6, 1440)]
    [InlineData(1000, 1440)]
    public void Each_step_of_a_day_doubles_the_time_up_to_a_day(int steps, int minutes) =>
        TierRules.Judge(new Standing(WorkerTier.Shared, true, false, 3, steps), Options, Now).ShouldBe(new Move(WorkerTier.Cordon, TierCause.Strikes, Now.AddMinutes(minutes)));

    [Fact]
    public void Below_the_line_nothing_happens_and_off_is_the_end()
    {
        TierRules.Judge(new Standing(WorkerTier.Shared, true, false, 2.9, 0), Options, Now).ShouldBeNull();
        TierRules.Judge(new Standing(WorkerTier.Cordon, true, false, 11.9, 0), Options, Now).ShouldBeNull();
        TierRules.Judge(new Standing(WorkerTier.Off, true, false, 100, 0), Options, Now).ShouldBeNull();
    }
}
