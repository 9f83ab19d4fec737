using System.Globalization;

namespace Quarterdeck.Repositories;

/// <summary>How many points of a VM are kept: the newest ones, and the newest of each of so many hours, days, weeks, months and years that have one.</summary>
public sealed record Retention(int? Last = null, int? Hourly = null, int? Daily = null, int? Weekly = null, int? Monthly = null, int? Yearly = null)
{
    /// <summary>Whether it asks for nothing: then everything is kept.</summary>
    public bool IsEmpty => Last is null && Hourly is null && Daily is null && Weekly is null && Monthly is null && Yearly is null;

    /// <summary>Decides about the points of one VM. Pinned points are kept; expired ones go; a common point is kept until it expires; damaged points are kept and count for no rule, and the newest sound point always stays.</summary>
    /// <param name="points">Its points, in any order.</param>
    /// <param name="now">The present; only for expiry, so that a clock which was set back removes nothing early.</param>
    /// <param name="zone">The time zone in which days begin.</param>
    /// <returns>Each point, newest first, and why it is kept; null where it is not.</returns>
    public IReadOnlyList<(PointManifest Point, string? Kept)> Decide(IEnumerable<PointManifest> points, DateTimeOffset now, TimeZoneInfo zone)
    {
        var ordered = points.OrderByDescending(p => p.CreatedAt).ThenByDescending(p => p.Id).ToList();
        var newestSound = ordered.FirstOrDefault(p => p.Labels.Damage is null)?.Id;
        var rules = new List<Rule> { new("last", Last, (_, at) => at.Ticks.ToString(CultureInfo.InvariantCulture)), new("hourly", Hourly, (_, at) => at.ToString("yyyyMMddHHzz", CultureInfo.InvariantCulture)),
            new("daily", Daily, (_, at) => at.ToString("yyyyMMdd", CultureInfo.InvariantCulture)), new("weekly", Weekly, (_, at) => $"{ISOWeek.GetYear(at.DateTime)}-{ISOWeek.GetWeekOfYear(at.DateTime)}"),
            new("monthly", Monthly, (_, at) => at.ToString("yyyyMM", CultureInfo.InvariantCulture)), new("yearly", Yearly, (_, at) => at.ToString("yyyy", CultureInfo.InvariantCulture)) };
        rules[0] = rules[0] with { Period = (point, _) => point.Id.ToString() };
        return [.. ordered.Select(point => (point, Why(point, rules, newestSound, now, zone)))];
    }

    private string? Why(PointManifest point, List<Rule> rules, Guid? newestSound, DateTimeOffset now, TimeZoneInfo zone)
    {
        if (point.Labels.Pinned) return "pinned";
        if (point.Labels.ExpiresAt is { } until) return until > now ? "not expired" : point.Id == newestSound ? "the last good one" : null;
        if (point.Labels.Damage is not null) return "damaged: remove it by hand";
        var local = TimeZoneInfo.ConvertTime(point.CreatedAt, zone);
        // Each rule counts for itself, as if the others were not there.
        var kept = rules.Where(rule => rule.Takes(point, local)).Select(rule => rule.Name).ToList();
        if (IsEmpty) return "no rule";
        return kept.Count > 0 ? string.Join(", ", kept) : point.Id == newestSound ? "the last good one" : null;
    }

    private sealed record Rule(string Name, int? Count, Func<PointManifest, DateTimeOffset, string> Period)
    {
        private readonly HashSet<string> _periods = [];

        public bool Takes(PointManifest point, DateTimeOffset at) => _periods.Count < (Count ?? 0) && _periods.Add(Period(point, at));
    }
}
