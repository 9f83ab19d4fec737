using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Quarterdeck.Workers.Front;

/// <summary>What a request is for, in the form in which it is passed on.</summary>
internal static class RequestTarget
{
    // visible ASCII: anything else has no place in a target, and a blank or a line end would forge a request of its own
    private static readonly SearchValues<char> Allowed = SearchValues.Create([.. Enumerable.Range(0x21, 0x7e - 0x20).Select(c => (char)c)]);

    /// <summary>Path and query as the visitor wrote them; null when they cannot be passed on.</summary>
    public static string? Of(IHttpRequestFeature request)
    {
        var raw = request.RawTarget;
        if (raw.Length == 0 || raw.AsSpan().ContainsAnyExcept(Allowed)) return null;
        if (raw[0] == '/') return raw;
        if (raw == "*") return HttpMethods.IsOptions(request.Method) ? "/" : null;
        // as a proxy is asked: http://host/path
        var start = raw.IndexOf("://", StringComparison.Ordinal);
        if (start <= 0) return null;
        var path = raw.IndexOfAny(['/', '?'], start + 3);
        return path < 0 ? "/" : raw[path] == '?' ? "/" + raw[path..] : raw[path..];
    }

    /// <summary>A Host header without its port and a closing dot.</summary>
    public static string HostName(string host)
    {
        var end = host.StartsWith('[') ? host.IndexOf(']') + 1 : host.IndexOf(':') is >= 0 and var colon ? colon : host.Length;
        if (end > 1 && host[end - 1] == '.') end--;
        return end == host.Length ? host : host[..end];
    }
}
