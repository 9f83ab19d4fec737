using Quarterdeck.Backups.Capture;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Backups;

/// <summary>The rate that a job sets: a limit is held, and no limit costs no time.</summary>
public sealed class ByteMeterTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task Reading_takes_as_long_as_the_limit_asks_for_and_not_longer()
    {
        var time = new JumpTime();
        var meter = new ByteMeter(new TestOperation(), time, 4 * MiB);
        for (var piece = 0; piece < 40; piece++) await meter.PaceAsync(MiB, default);
        time.Passed.ShouldBeInRange(9.5, 10);
    }

    [Fact]
    public async Task Without_a_limit_nothing_waits()
    {
        var time = new JumpTime();
        var meter = new ByteMeter(new TestOperation(), time, null);
        for (var piece = 0; piece < 40; piece++) await meter.PaceAsync(MiB, default);
        time.Passed.ShouldBe(0);
    }
}
