using System.Globalization;

namespace Quarterdeck.Backups.Jobs;

/// <summary>Which points of one VM stay.</summary>
internal static class RetentionRule
{
    private const int Year = 10_000;

    /// <summary>Why each point stays; empty for one that goes.</summary>
    /// <param name="retention">The numbers.</param>
    /// <param name="zone">Where hours, days and weeks begin.</param>
    /// <param name="points">The points of one VM and one job, in any order.</param>
    /// <remarks>The newest point always stays, so does the newest without damage, and so does what is pinned.</remarks>
    public static IReadOnlyDictionary<Guid, IReadOnlyList<string>> Apply(Retention retention, TimeZoneInfo zone, IReadOnlyList<RecoveryPoint> points)
    {
        var newestFirst = points.OrderByDescending(p => p.CreatedAt).ThenByDescending(p => p.Id).ToList();
        var reasons = newestFirst.ToDictionary(p => p.Id, _ => new List<string>());
        foreach (var pinned in newestFirst.Where(p => p.Pinned)) reasons[pinned.Id].Add("pinned");
        if (newestFirst.FirstOrDefault() is { } newest) reasons[newest.Id].Add("newest"); // what the next backup builds on
        if (newestFirst.FirstOrDefault(p => p.Damage is null) is { } good && good != newestFirst[0]) reasons[good.Id].Add("newest good");
        if (retention.KeepsAll()) foreach (var point in newestFirst) reasons[point.Id].Add("all");
        // A damaged point would take the place of a good one in its hour, day or week.
        var sound = newestFirst.Where(p => p.Damage is null).Select(p => (Point: p, Local: TimeZoneInfo.ConvertTime(p.CreatedAt, zone).DateTime)).ToList();
        foreach (var (point, _) in sound.Take(retention.Last ?? 0)) reasons[point.Id].Add("last");
        Keep("hourly", retention.Hourly, t => t.Date.Ticks / TimeSpan.TicksPerDay * 24 + t.Hour);
        Keep("daily", retention.Daily, t => t.Date.Ticks);
        Keep("weekly", retention.Weekly, t => (long)ISOWeek.GetYear(t) * Year + ISOWeek.GetWeekOfYear(t));
        Keep("monthly", retention.Monthly, t => (long)t.Year * Year + t.Month);
        Keep("yearly", retention.Yearly, t => t.Year);
        return reasons.ToDictionary(r => r.Key, r => (IReadOnlyList<string>)r.Value);

        void Keep(string name, int? count, Func<DateTime, long> period)
        {
            foreach (var kept in sound.GroupBy(s => period(s.Local)).Select(g => g.First().Point).Take(count ?? 0)) reasons[kept.Id].Add(name);
        }
    }
}
