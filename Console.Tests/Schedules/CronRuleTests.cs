using Quarterdeck.Operations;
using Quarterdeck.Schedules;
using Quarterdeck.Schedules.Running;

namespace Quarterdeck.Tests.Schedules;

public sealed class CronRuleTests
{
    private static readonly DateTimeOffset Monday = new(2026, 11, 23, 10, 0, 0, TimeSpan.Zero);

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    [Theory]
    [InlineData("30 2 * * *", "UTC", "2026-11-24T02:30:00Z")]
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-11-24T01:30:00Z")]
    [InlineData("0 9 * * 1", "UTC", "2026-11-30T09:00:00Z")]
    [InlineData("0 9 * * 0", "UTC", "2026-11-29T09:00:00Z")]
    [InlineData("0 9 * * 7", "UTC", "2026-11-29T09:00:00Z")]
    [InlineData("*/15 * * * MON-FRI", "UTC", "2026-11-23T10:15:00Z")]
    [InlineData("0 0 1 1 *", "UTC", "2027-01-01T00:00:00Z")]
    [InlineData("0 0 13 * 5", "UTC", "2026-11-27T00:00:00Z")] // the 13th, and Fridays
    [InlineData("@daily", "UTC", "2026-11-24T00:00:00Z")]
    [InlineData("0 0 29 2 *", "UTC", "2028-02-29T00:00:00Z")]
    public void It_comes_next_when_crontab_says(string cron, string zone, string next) =>
        CronRule.Parse(cron, zone).Value.Next(Monday).ShouldBe(Time(next));

    [Theory]
    [InlineData("", "UTC", "cron")]
    [InlineData("61 * * * *", "UTC", "cron")]
    [InlineData("* * * *", "UTC", "cron")]
    [InlineData("0 0 0 1 1 ?", "UTC", "cron")]
    [InlineData("0 2 * * *", "Mars/Olympus", "timeZone")]
    [InlineData("0 2 * * *", "", "timeZone")]
    [InlineData(null, null, "cron")]
    public void What_is_wrong_is_named_with_an_example(string? cron, string? zone, string field)
    {
        var error = CronRule.Parse(cron, zone, "schedule.").Problem!.Errors.ShouldHaveSingleItem();
        error.Field.ShouldBe("schedule." + field);
        error.Remedy.ShouldNotBeEmpty();
    }

    [Fact]
    public void A_day_that_never_comes_has_no_next_run() => CronRule.Parse("0 0 30 2 *", "UTC").Value.Next(Monday).ShouldBeNull();

    [Fact]
    public void The_hour_that_the_clocks_leave_out_runs_once_and_the_one_that_they_repeat_runs_once()
    {
        var rule = CronRule.Parse("30 2 * * *", "Europe/Berlin").Value;
        List<DateTimeOffset> spring = [.. RunTimes.Between(rule, [], Time("2027-03-26T12:00:00Z"), Time("2027-03-30T12:00:00Z"), 100)];
        List<DateTimeOffset> autumn = [.. RunTimes.Between(rule, [], Time("2026-10-23T12:00:00Z"), Time("2026-10-27T12:00:00Z"), 100)];
        (spring.Count, autumn.Count).ShouldBe((4, 4));
        spring.Select(t => t.Date).Distinct().Count().ShouldBe(4);
        autumn.Select(t => t.Date).Distinct().Count().ShouldBe(4);
    }

    [Fact]
    public void A_run_within_a_blackout_waits_for_its_end_over_midnight_and_over_windows_that_touch()
    {
        var rule = CronRule.Parse("0 * * * *", "Europe/Berlin").Value;
        Blackout[] blackouts = [new([DayOfWeek.Monday], new(18, 0), new(2, 30)), new([DayOfWeek.Tuesday], new(2, 30), new(4, 15))];
        RunTimes.Next(rule, blackouts, Time("2026-11-23T16:30:00Z")).ShouldBe(Time("2026-11-24T03:15:00Z")); // 18:00 to 04:15 in Berlin
        RunTimes.Between(rule, blackouts, Time("2026-11-23T16:30:00Z"), Time("2026-11-24T04:30:00Z"), 100).ShouldBe([Time("2026-11-24T03:15:00Z"), Time("2026-11-24T04:00:00Z")]);
    }

    [Fact]
    public void Blackouts_without_a_gap_leave_no_run()
    {
        var always = new Blackout(Enum.GetValues<DayOfWeek>(), new(0, 0), new(0, 0));
        RunTimes.Next(CronRule.Parse("0 * * * *", "UTC").Value, [always], Monday).ShouldBeNull();
    }
}
