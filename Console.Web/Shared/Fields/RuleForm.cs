using System.Globalization;
using Quarterdeck.Operations;

namespace Quarterdeck.Web.Shared.Fields;

/// <summary>A cron rule as people set it: how often, at what time, or their own five fields.</summary>
public sealed class RuleForm
{
    /// <summary>How often, in words; the last shows the rule itself.</summary>
    public static readonly IReadOnlyList<(string Value, string Text)> Often =
    [
        ("hour", "Every hour"), ("day", "Every day"), ("work", "On working days"), ("week", "Once a week, on Sunday"), ("month", "On the first of the month"), ("own", "By a rule of my own"),
    ];

    private static readonly string[] Suggested = ["UTC", "Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Tokyo", "Asia/Kolkata", "Australia/Sydney"];

    /// <summary>One of <see cref="Often"/>.</summary>
    public string? How { get; set; } = "day";

    /// <summary>Time of day, <c>HH:mm</c>.</summary>
    public string? At { get; set; } = "02:30";

    /// <summary>The five fields, when <see cref="How"/> is <c>own</c>.</summary>
    public string? Own { get; set; } = "";

    /// <summary>An IANA name.</summary>
    public string? Zone { get; set; } = TimeZoneInfo.Local.HasIanaId ? TimeZoneInfo.Local.Id : "UTC";

    /// <summary>Names to choose from; others may be typed.</summary>
    public static IReadOnlyList<string> Zones { get; } = [.. Suggested.Where(z => TimeZoneInfo.TryFindSystemTimeZoneById(z, out _))];

    /// <summary>The rule as the console stores it.</summary>
    public string Cron
    {
        get
        {
            if (How == "own") return Own ?? "";
            if (How == "hour") return "0 * * * *";
            if (Time(At) is not { } time) return "";
            var clock = string.Create(CultureInfo.InvariantCulture, $"{time.Minute} {time.Hour}");
            return How switch { "work" => clock + " * * MON-FRI", "week" => clock + " * * SUN", "month" => clock + " 1 * *", _ => clock + " * * *" };
        }
    }

    /// <summary>What a field of the type <c>time</c> holds: Blazor's script adds seconds. Null for no time.</summary>
    public static TimeOnly? Time(string? text) => TimeOnly.TryParseExact(text, ["HH:mm", "HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time : null;

    /// <summary>Shows a stored rule: in words where it is one of them.</summary>
    public static RuleForm Of(string cron, string zone)
    {
        var form = new RuleForm { How = "own", Own = cron, Zone = zone };
        var parts = cron.Split(' ');
        if (cron == "0 * * * *") form.How = "hour";
        else if (parts.Length == 5 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var minute) && minute < 60 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var hour) && hour < 24)
        {
            var how = string.Join(' ', parts[2..]) switch { "* * *" => "day", "* * MON-FRI" or "* * 1-5" => "work", "* * SUN" or "* * 0" or "* * 7" => "week", "1 * *" => "month", _ => null };
            if (how is not null) (form.How, form.At) = (how, new TimeOnly(hour, minute).ToString("HH:mm", CultureInfo.InvariantCulture));
        }
        return form;
    }

    /// <summary>The rule in words, such as <c>every day at 02:30</c>; the five fields when there are none.</summary>
    public static string InWords(string cron, string zone)
    {
        var form = Of(cron, zone);
        return form.How switch
        {
            "hour" => "every hour",
            "day" => $"every day at {form.At}",
            "work" => $"on working days at {form.At}",
            "week" => $"on Sundays at {form.At}",
            "month" => $"on the first of the month at {form.At}",
            _ => cron,
        };
    }

    /// <summary>The next runs in the rule's own zone, or null when it is wrong.</summary>
    public IReadOnlyList<string>? Preview(DateTimeOffset now)
    {
        if (!CronRule.Parse(Cron, Zone).TryGet(out var rule, out _)) return null;
        var runs = new List<string>();
        for (var next = rule.Next(now); next is { } at && runs.Count < 3; next = rule.Next(at)) runs.Add(TimeZoneInfo.ConvertTime(at, rule.TimeZone).ToString("ddd d MMM HH:mm", CultureInfo.InvariantCulture));
        return runs;
    }
}
