using System.Globalization;
using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Access;

/// <summary>The audit log's filters in a query string, of REST and of the page alike.</summary>
internal static class AuditFilter
{
    public static Result<AuditQuery> Read(IQueryCollection query)
    {
        string? Text(string key) => query[key].ToString() is { Length: > 0 } value ? value : null;
        return Read(Text("actor"), Text("action"), Text("target"), Text("outcome"), Text("from"), Text("until"));
    }

    public static Result<AuditQuery> Read(string? actor, string? action, string? target, string? outcome, string? from, string? until)
    {
        List<FieldError> errors = [];
        AuditOutcome? which = null;
        if (outcome is not null && Enum.TryParse<AuditOutcome>(outcome, ignoreCase: true, out var parsed) && Enum.IsDefined(parsed)) which = parsed;
        else if (outcome is not null) errors.Add(new("outcome", $"'{outcome}' is not an outcome.", "Use done or refused."));
        var filter = new AuditQuery(actor, action, target, which, Time("from", from), Time("until", until));
        return errors.Count == 0 ? filter : Problem.Invalid(errors);

        DateTimeOffset? Time(string field, string? text)
        {
            if (text is null) return null;
            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)) return time;
            errors.Add(new(field, $"'{text}' is not a time.", "Send a time such as 2026-11-22T21:00:00Z, or a date."));
            return null;
        }
    }
}
