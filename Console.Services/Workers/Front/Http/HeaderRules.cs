namespace Quarterdeck.Workers.Front.Http;

/// <summary>Which headers pass between visitors and workers.</summary>
internal static class HeaderRules
{
    /// <summary>Names that only the platform uses; from visitors and workers they are dropped.</summary>
    public const string Own = "x-quarterdeck-";

    /// <summary>Cookies of the console begin so. Browsers send them to every port of a host, so workers neither see nor set them.</summary>
    public const string OwnCookies = "qd-";

    /// <summary>Whether a request header stays here: hop-by-hop (RFC 9110, 7.6.1), ours, or what the front says itself about the visitor.</summary>
    public static bool StaysIn(string name) => name.Length switch
    {
        2 => Is(name, "TE"),
        4 => Is(name, "Host"),
        6 => Is(name, "Expect"),
        7 => Is(name, "Upgrade") || Is(name, "Trailer"),
        9 => Is(name, "Forwarded") || Is(name, "X-Real-IP"),
        10 => Is(name, "Connection") || Is(name, "Keep-Alive"),
        14 => Is(name, "Content-Length"),
        15 => Is(name, "X-Forwarded-For"),
        17 => Is(name, "Transfer-Encoding"),
        _ => false,
    } || name[0] switch
    {
        'x' or 'X' => name.StartsWith(Own, StringComparison.OrdinalIgnoreCase) || name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase),
        'c' or 'C' => name.StartsWith("CF-", StringComparison.OrdinalIgnoreCase),
        'p' or 'P' => name.StartsWith("Proxy-", StringComparison.OrdinalIgnoreCase),
        'h' or 'H' => Is(name, "HTTP2-Settings"),
        ':' => true,
        _ => false,
    };

    private static readonly System.Buffers.SearchValues<char> Token = System.Buffers.SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    /// <summary>Whether a text can be a header's name (RFC 9110, 5.1).</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= 256 && !name.AsSpan().ContainsAnyExcept(Token);

    /// <summary>Whether a response header stays here.</summary>
    public static bool StaysOut(string name) => name.Length switch
    {
        6 => Is(name, "Server"),
        7 => Is(name, "Upgrade") || Is(name, "Trailer"),
        10 => Is(name, "Connection") || Is(name, "Keep-Alive"),
        14 => Is(name, "Content-Length"), // set as a number
        16 => Is(name, "Proxy-Connection"),
        17 => Is(name, "Transfer-Encoding"),
        _ => false,
    } || name.StartsWith(Own, StringComparison.OrdinalIgnoreCase);

    /// <summary>A Cookie header without the console's cookies; null when nothing is left.</summary>
    public static string? WithoutOwnCookies(string cookies)
    {
        if (!cookies.Contains(OwnCookies, StringComparison.Ordinal)) return cookies;
        var left = string.Join("; ", cookies.Split(';', StringSplitOptions.TrimEntries).Where(c => !c.StartsWith(OwnCookies, StringComparison.Ordinal)));
        return left.Length == 0 ? null : left;
    }

    /// <summary>Whether a Set-Cookie header would set one of the console's.</summary>
    public static bool SetsOwnCookie(string setCookie) => setCookie.AsSpan().TrimStart().StartsWith(OwnCookies, StringComparison.Ordinal);

    /// <summary>The value of a cookie; empty when absent.</summary>
    public static ReadOnlySpan<char> Cookie(ReadOnlySpan<char> cookies, ReadOnlySpan<char> name)
    {
        foreach (var part in cookies.Split(';'))
        {
            var cookie = cookies[part].Trim();
            if (cookie.Length > name.Length && cookie[name.Length] == '=' && cookie.StartsWith(name, StringComparison.Ordinal)) return cookie[(name.Length + 1)..];
        }
        return [];
    }

    private static bool Is(string name, string other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);
}
