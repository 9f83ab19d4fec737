using FsCheck;
using FsCheck.Fluent;
using Quarterdeck.Backups;
using Quarterdeck.Backups.Jobs;
using Quarterdeck.Repositories;

namespace Quarterdeck.Tests.Backups;

public sealed class RetentionTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 23, 1, 30, 0, TimeSpan.Zero); // a Monday
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    private static RecoveryPoint At(DateTimeOffset at) => new()
    {
        Id = Guid.CreateVersion7(at), VmId = Guid.Empty, VmName = "vm", HostName = "host", RepositoryId = Guid.Empty, RepositoryName = "r", CreatedAt = at,
        Kind = PointKind.Incremental, Consistency = PointConsistency.Crash, LogicalBytes = 0, ReadBytes = 0, StoredBytes = 0, Seconds = 0,
    };

    /// <summary>How many hours, before the start, the kept points are old.</summary>
    private static int[] Kept(Retention retention, IReadOnlyList<RecoveryPoint> points, TimeZoneInfo? zone = null) =>
        [.. RetentionRule.Apply(retention, zone ?? TimeZoneInfo.Utc, points).Where(r => r.Value.Count > 0).Select(r => (int)(Start - points.Single(p => p.Id == r.Key).CreatedAt).TotalHours).Order()];

    private static List<RecoveryPoint> Every(double hours, int count) => [.. Enumerable.Range(0, count).Select(i => At(Start.AddHours(-hours * i)))];

    [Fact]
    public void Numbers_keep_the_newest_of_each_hour_day_week_and_month()
    {
        Kept(new(Last: 3), Every(6, 20)).ShouldBe([0, 6, 12]);
        Kept(new(Daily: 3), Every(6, 20)).ShouldBe([0, 6, 30]); // 01:30 today, 19:30 yesterday, 19:30 the day before
        Kept(new(Weekly: 2), Every(24, 20)).ShouldBe([0, 24]); // this Monday, and the Sunday before
        Kept(new(Monthly: 2, Yearly: 1), Every(24, 40)).ShouldBe([0, 23 * 24]); // today, and 31 October
        Kept(new(Hourly: 2), [At(Start), At(Start.AddMinutes(-20)), At(Start.AddMinutes(-40))]).ShouldBe([0, 0]);
    }

    [Fact]
    public void Days_begin_at_midnight_of_the_jobs_zone() =>
        // 23:30 and 22:30 UTC of the 22nd are the 23rd and the 22nd… both the 23rd in Berlin (UTC+1) and one day in UTC.
        Kept(new(Daily: 2), [At(Start), At(Start.AddHours(-2)), At(Start.AddHours(-3)), At(Start.AddHours(-4))], Berlin).ShouldBe([0, 3]);

    [Fact]
    public void Without_numbers_all_stay() => Kept(new(), Every(24, 5)).ShouldBe([0, 24, 48, 72, 96]);

    [Fact]
    public void The_newest_the_newest_good_one_and_pinned_ones_stay_whatever_the_numbers()
    {
        var points = Every(24, 6);
        points[0] = points[0] with { Damage = "a chunk is missing" };
        points[4] = points[4] with { Pinned = true };
        Kept(new(Yearly: 1), points).ShouldBe([0, 24, 96]);
    }

    [Fact]
    public void However_the_numbers_are_the_newest_stays_and_more_numbers_never_keep_less()
    {
        var rules = Gen.Choose(0, 5).Four();
        Prop.ForAll(rules.ToArbitrary(), Gen.Choose(1, 40).ToArbitrary(), Gen.Choose(1, 30).ToArbitrary(), (n, count, hours) =>
        {
            static int? Number(int value) => value == 0 ? null : value;
            var points = Every(hours, count);
            var few = new Retention(Number(n.Item1), null, Number(n.Item2), Number(n.Item3), Number(n.Item4));
            var kept = Kept(few, points);
            kept.ShouldContain(0);
            if (few.KeepsAll()) return;
            kept.Length.ShouldBeLessThanOrEqualTo(1 + n.Item1 + n.Item2 + n.Item3 + n.Item4);
            Kept(few with { Daily = (few.Daily ?? 0) + 1 }, points).ShouldBeSubsetOf(Kept(few with { Daily = (few.Daily ?? 0) + 2 }, points));
        }).QuickCheckThrowOnFailure();
    }
}
