using Quarterdeck.Operations.Running;

namespace Quarterdeck.Tests.Operations;

public sealed class StillnessTests
{
    private static readonly Guid Other = Guid.NewGuid();
    private readonly Stillness _stillness = new();
    private long _now;

    private TimeSpan After(double seconds, long beat)
    {
        _now += (long)(seconds * TimeProvider.System.TimestampFrequency);
        return _stillness.Look([(Other, beat)], _now, TimeSpan.FromSeconds(3), TimeProvider.System)[Other];
    }

    [Fact]
    public void A_beat_that_stays_the_same_is_still_for_as_long_as_was_looked()
    {
        After(0, 1).ShouldBe(TimeSpan.Zero);
        After(1, 1).ShouldBe(TimeSpan.FromSeconds(1));
        After(2, 1).ShouldBe(TimeSpan.FromSeconds(3));
        After(1, 2).ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void A_long_gap_of_ones_own_counts_little()
    {
        After(0, 1);
        After(600, 1).ShouldBe(TimeSpan.FromSeconds(3));
    }

    [Fact]
    public void A_node_that_always_looks_late_finds_the_dead_all_the_same()
    {
        After(0, 1);
        for (var look = 0; look < 4; look++) After(10, 1);
        After(10, 1).ShouldBe(TimeSpan.FromSeconds(15));
    }

    [Fact]
    public void A_node_that_is_gone_is_forgotten()
    {
        After(0, 1);
        After(2, 1);
        _stillness.Look([], _now, TimeSpan.FromSeconds(3), TimeProvider.System).ShouldBeEmpty();
        After(1, 1).ShouldBe(TimeSpan.Zero);
    }
}
