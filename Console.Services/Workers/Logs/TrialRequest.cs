using System.Text;
using System.Text.RegularExpressions;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Logs;

/// <summary>A request to try a worker with, checked.</summary>
internal sealed partial record TrialRequest(Uri Url, string Method, IReadOnlyList<KeyValuePair<string, string>> Headers, byte[]? Body)
{
    public const int MostBody = 1 << 20;
    private static readonly HashSet<string> Reserved = new(["host", "connection", "content-length", "transfer-encoding", "upgrade", "keep-alive", "te", "trailer", "proxy-connection", "x-request-id"], StringComparer.OrdinalIgnoreCase);

    [GeneratedRegex("^[A-Za-z!#$%&'*+.^_`|~0-9-]{1,100}$")]
    private static partial Regex Token();

    public static Result<TrialRequest> Read(Trial trial)
    {
        var errors = new List<FieldError>();
        if (!Uri.TryCreate(trial.Url, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.UserInfo.Length > 0)
            errors.Add(new("url", "That is no http or https URL.", "Example: https://shop.example.com/api?id=7"));
        var method = trial.Method is { Length: > 0 } given ? given.ToUpperInvariant() : "GET";
        if (!Token().IsMatch(method) || method is "CONNECT" or "TRACE") errors.Add(new("method", $"'{method}' is no method that can be sent.", "Use GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS."));
        foreach (var (name, value) in trial.Headers ?? new Dictionary<string, string>())
        {
            if (!Token().IsMatch(name)) errors.Add(new($"headers.{name}", "That is no header's name.", "Use letters, digits and dashes."));
            else if (Reserved.Contains(name) || name.StartsWith("x-quarterdeck-", StringComparison.OrdinalIgnoreCase)) errors.Add(new($"headers.{name}", "The console sets this one itself.", "Leave it out."));
            else if (value.AsSpan().ContainsAny('\r', '\n', '\0') || value.Any(c => c > 0xff)) errors.Add(new($"headers.{name}", "Its value has a character that headers cannot hold.", "Use one line of Latin characters."));
        }
        var body = trial.Body is { Length: > 0 } text ? Encoding.UTF8.GetBytes(text) : null;
        if (body?.Length > MostBody) errors.Add(new("body", $"It has {body.Length} bytes.", $"Send at most {MostBody}; larger ones go to a zone."));
        if (body is not null && method is "GET" or "HEAD") errors.Add(new("body", $"{method} has no body.", "Use POST, PUT or PATCH."));
        return errors.Count > 0 ? Problem.Invalid(errors) : new TrialRequest(url!, method, [.. trial.Headers ?? new Dictionary<string, string>()], body);
    }
}
