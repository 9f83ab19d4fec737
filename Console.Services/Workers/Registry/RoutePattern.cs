using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Registry;

/// <summary>Path patterns of zones: a path, or a beginning of paths that ends in <c>*</c>.</summary>
internal static class RoutePattern
{
    private const int Longest = 1024;

    /// <summary>Longer beginnings before shorter ones, and a whole path before a beginning of the same length: the first that matches is the most specific.</summary>
    public static readonly IComparer<TableRoute> MostSpecificFirst = Comparer<TableRoute>.Create((a, b) =>
        a.Prefix.Length != b.Prefix.Length ? b.Prefix.Length - a.Prefix.Length : a.Open != b.Open ? a.Open ? 1 : -1 : string.CompareOrdinal(a.Prefix, b.Prefix));

    public static TableRoute ToTable(string pattern, long serial) => pattern.EndsWith('*') ? new TableRoute(pattern, pattern[..^1], true, serial) : new TableRoute(pattern, pattern, false, serial);

    /// <summary>The pattern as it is stored, beginning with a slash; or what is wrong with it.</summary>
    /// <param name="text">As it was sent; may begin with the zone's host name.</param>
    /// <param name="hostname">The zone.</param>
    /// <param name="field">Its name in the request.</param>
    public static Result<string> Parse(string? text, string hostname, string field)
    {
        const string remedy = "Give a path such as /about, or a beginning of paths such as /api/*; /* is every path.";
        var pattern = (text ?? "").Trim();
        if (pattern.Length is 0 or > Longest) return Problem.Invalid(field, pattern.Length == 0 ? "It is empty." : $"It is longer than {Longest} characters.", remedy);
        foreach (var scheme in (string[])["https://", "http://"])
            if (pattern.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) pattern = pattern[scheme.Length..];
        if (pattern[..1] is not "/" && pattern is not "*")
        {
            var slash = pattern.IndexOf('/');
            var host = slash < 0 ? pattern.TrimEnd('*') : pattern[..slash];
            if (!host.Equals(hostname, StringComparison.OrdinalIgnoreCase))
                return Problem.Invalid(field, $"'{text}' begins with neither a slash nor the zone's host name '{hostname}'.", remedy);
            pattern = slash >= 0 ? pattern[slash..] : pattern.EndsWith('*') ? "/*" : "/";
        }
        if (pattern is "*") pattern = "/*";
        if (pattern.AsSpan(0, pattern.Length - 1).Contains('*')) return Problem.Invalid(field, $"'{text}' has a * that is not its last character.", remedy);
        if (pattern.AsSpan().IndexOfAny('?', '#') >= 0) return Problem.Invalid(field, $"'{text}' has a query or fragment; routes look at the path only.", remedy);
        if (pattern.Any(c => c is <= ' ' or > '~' or '\\' or '"' or '<' or '>')) return Problem.Invalid(field, $"'{text}' has a character that no path has.", "Percent-encode it, such as %20 for a space.");
        if (pattern.Contains("//", StringComparison.Ordinal) || pattern.TrimEnd('*').Split('/').Any(s => s is "." or "..")) return Problem.Invalid(field, $"'{text}' has an empty, '.' or '..' segment, which browsers remove.", remedy);
        return pattern;
    }
}
