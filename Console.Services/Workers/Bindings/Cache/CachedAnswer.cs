using System.Globalization;

namespace Quarterdeck.Workers.Bindings.Cache;

/// <summary>An answer that a worker keeps.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Headers">Names and values in their order; without <c>Set-Cookie</c>.</param>
/// <param name="Body">All of it.</param>
/// <param name="Put">When it was put.</param>
/// <param name="Until">When it ends.</param>
internal sealed record CachedAnswer(int Status, IReadOnlyList<KeyValuePair<string, string>> Headers, byte[] Body, DateTimeOffset Put, DateTimeOffset Until)
{
    /// <summary>The value of a header; null when absent.</summary>
    public string? Header(string name) => Headers.FirstOrDefault(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>The answer as it is kept; null when its headers or status say that it is not to be.</summary>
    public static CachedAnswer? Of(int status, IEnumerable<KeyValuePair<string, string>> headers, byte[] body, DateTimeOffset now)
    {
        var kept = headers.ToList();
        var control = string.Join(',', kept.Where(h => Is(h.Key, "Cache-Control")).Select(h => h.Value)).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var withoutCookie = control.Any(c => Is(c.Replace("\"", "", StringComparison.Ordinal), "private=Set-Cookie"));
        if (control.Any(c => Is(c, "no-store") || Is(c, "no-cache") || Is(c, "private"))) return null;
        if (kept.RemoveAll(h => Is(h.Key, "Set-Cookie")) > 0 && !withoutCookie) return null;
        var seconds = Seconds(control, "s-maxage") ?? Seconds(control, "max-age") ?? Expires(kept, now) ?? Usual(status);
        return seconds <= 0 ? null : new CachedAnswer(status, kept, body, now, now.AddSeconds(Math.Min(seconds, 366 * 86400)));
    }

    /// <summary>Whether a request that names what it has gets 304.</summary>
    public bool IsKnown(string? noneMatch, string? modifiedSince)
    {
        if (noneMatch is not null)
            return Header("ETag") is { } tag && noneMatch.Split(',', StringSplitOptions.TrimEntries).Any(one => one == "*" || Weak(one) == Weak(tag));
        return modifiedSince is not null && Header("Last-Modified") is { } changed && Date(changed) is { } last && Date(modifiedSince) is { } since && last <= since;
    }

    /// <summary>The part that a Range header asks for; null for the whole, length 0 when there is none.</summary>
    public (int From, int Length)? Part(string? range)
    {
        if (Status != 200 || range is null || !range.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase) || range.Contains(',', StringComparison.Ordinal)) return null;
        if (range["bytes=".Length..].Split('-') is not [var first, var last]) return null;
        long? from = long.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var f) ? f : null, to = long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var t) ? t : null;
        if (from is null && to is null || from > to) return null;
        var begin = from ?? Math.Max(0, Body.Length - to!.Value);
        var end = from is null ? Body.Length : Math.Min(Body.Length, (to ?? Body.Length - 1) + 1);
        return begin >= Body.Length ? (0, 0) : ((int)begin, (int)(end - begin));
    }

    private static long? Seconds(IEnumerable<string> control, string name) => control.Select(c => c.Split('=', 2)).Where(c => c.Length == 2 && Is(c[0].Trim(), name))
        .Select(c => long.TryParse(c[1].Trim(' ', '"'), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : (long?)null).FirstOrDefault();

    // What is no date has expired (RFC 9111, 5.3).
    private static long? Expires(List<KeyValuePair<string, string>> headers, DateTimeOffset now) =>
        headers.FirstOrDefault(h => Is(h.Key, "Expires")).Value is { } text ? Date(text) is { } at ? (long)(at - now).TotalSeconds : 0 : null;

    // The documentation's table for answers that say nothing.
    private static long Usual(int status) => status switch { 200 or 301 => 7200, 302 or 303 => 1200, 404 or 410 => 180, 403 => 60, _ => 0 };

    private static DateTimeOffset? Date(string text) => DateTimeOffset.TryParseExact(text, "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;

    private static string Weak(string tag) => tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag;

    private static bool Is(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);
}
