using Quarterdeck.Operations;

namespace Quarterdeck.Schedules.Running;

/// <summary>When a schedule runs: its rule, with the blackout windows left out.</summary>
internal static class RunTimes
{
    // Windows may touch one another; a week has at most this many ends, and more means that there is no time left.
    private const int MostWindows = 32;

    /// <summary>The first run after a time; null when there is none.</summary>
    public static DateTimeOffset? Next(CronRule rule, IReadOnlyList<Blackout> blackouts, DateTimeOffset after) =>
        rule.Next(after) is { } due ? Open(blackouts, rule.TimeZone, due) : null;

    /// <summary>The first moment from <paramref name="at"/> on that lies in no window; null when windows follow each other without end.</summary>
    public static DateTimeOffset? Open(IReadOnlyList<Blackout> blackouts, TimeZoneInfo zone, DateTimeOffset at)
    {
        for (var i = 0; i < MostWindows; i++)
        {
            if (blackouts.Select(b => End(b, zone, at)).Max() is not { } end) return at;
            at = end;
        }
        return null;
    }

    /// <summary>The runs within a span, at most so many.</summary>
    public static IEnumerable<DateTimeOffset> Between(CronRule rule, IReadOnlyList<Blackout> blackouts, DateTimeOffset from, DateTimeOffset until, int most)
    {
        var last = DateTimeOffset.MinValue;
        for (var (due, count) = (rule.Next(from), 0); due is { } at && at <= until && count < most; due = rule.Next(at))
        {
            // Several that wait for one window's end become one run.
            if (Open(blackouts, rule.TimeZone, at) is not { } open || open > until || open == last) continue;
            last = open;
            count++;
            yield return open;
        }
    }

    private static DateTimeOffset? End(Blackout window, TimeZoneInfo zone, DateTimeOffset at)
    {
        var local = TimeZoneInfo.ConvertTime(at, zone).DateTime;
        foreach (var day in new[] { DateOnly.FromDateTime(local), DateOnly.FromDateTime(local).AddDays(-1) })
        {
            if (!window.Days.Contains(day.DayOfWeek)) continue;
            var (begin, end) = (day.ToDateTime(window.From), (window.To > window.From ? day : day.AddDays(1)).ToDateTime(window.To));
            if (local < begin || local >= end) continue;
            while (zone.IsInvalidTime(end)) end = end.AddMinutes(30); // the clocks leave that hour out
            var utc = new DateTimeOffset(end, zone.GetUtcOffset(end)).ToUniversalTime();
            return utc > at ? utc : at.AddHours(1); // in the hour that the clocks repeat, its second pass
        }
        return null;
    }
}
