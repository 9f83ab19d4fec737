using Quarterdeck.Platform;
using Quartz;

namespace Quarterdeck.Operations;

/// <summary>When something recurs: the five fields of crontab(5) in a time zone. The job engine's reading, so that what is shown is what runs.</summary>
public sealed class CronRule
{
    private const string Remedy = "Give five fields: minute, hour, day of month, month, day of week, such as '30 2 * * MON-FRI' (02:30 on working days), or @daily.";
    private const int MaxLength = 120;
    private readonly CronExpression _expression;

    private CronRule(string text, CronExpression expression) => (Text, _expression) = (text, expression);

    /// <summary>As it was given.</summary>
    public string Text { get; }

    /// <summary>The zone that its fields are read in.</summary>
    public TimeZoneInfo TimeZone => _expression.TimeZone;

    /// <summary>Reads a rule. An hour that the clocks leave out runs when they have moved on; one that they repeat runs once.</summary>
    /// <param name="cron">Five fields, or a macro such as <c>@daily</c>.</param>
    /// <param name="timeZone">An IANA name such as <c>Europe/Berlin</c>, or <c>UTC</c>.</param>
    /// <param name="prefix">Stands before the names of fields in a refusal, such as <c>schedule.</c>.</param>
    public static Result<CronRule> Parse(string? cron, string? timeZone, string prefix = "")
    {
        var text = (cron ?? "").Trim();
        if (text.Length is 0 or > MaxLength || !CronExpression.TryParse(text, CronFormat.Unix, out var expression) || expression is null)
            return Problem.Invalid(prefix + "cron", $"'{(text.Length > MaxLength ? text[..MaxLength] + "…" : text)}' is not a rule.", Remedy);
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(timeZone ?? "", out var zone))
            return Problem.Invalid(prefix + "timeZone", $"'{timeZone}' is not a time zone of this machine.", "Give an IANA name such as Europe/Berlin, or UTC.");
        return new CronRule(text, expression.WithTimeZone(zone));
    }

    /// <summary>The first time after <paramref name="after"/>, UTC; null when there is none any more, such as for 30 February.</summary>
    public DateTimeOffset? Next(DateTimeOffset after) => _expression.GetNextValidTimeAfter(after.ToUniversalTime())?.ToUniversalTime();
}
