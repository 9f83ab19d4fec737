using Microsoft.AspNetCore.Http;
using Quarterdeck.Workers.Front.Http;

namespace Quarterdeck.Workers.Front.Upstream;

/// <summary>What a visitor's connection is turned into.</summary>
internal enum Upgrade
{
    None,
    /// <summary>A web socket over HTTP/1.1.</summary>
    Http1,
    /// <summary>A web socket over HTTP/2: RFC 8441.</summary>
    Http2,
}

/// <summary>Writes the head of a request as a compute server gets it.</summary>
internal static class RequestHead
{
    private static readonly System.Buffers.SearchValues<char> Breaks = System.Buffers.SearchValues.Create("\r\n\0");

    /// <summary>False when a header has characters that would end it; nothing may be sent then.</summary>
    /// <param name="to">Emptied first.</param>
    /// <param name="exchange">The request.</param>
    /// <param name="upgrade">What it asks for.</param>
    /// <param name="hasBody">Whether a body follows; without a length it goes in chunks.</param>
    /// <param name="watched">Whether somebody watches the worker.</param>
    /// <param name="facts">Whether the version may ask for <c>request.cf</c>.</param>
    public static bool TryWrite(HeadBuffer to, Exchange exchange, Upgrade upgrade, bool hasBody, bool watched, bool facts)
    {
        to.Clear();
        to.Add(upgrade is Upgrade.Http2 ? HttpMethods.Get : exchange.Request.Method);
        to.Add(" "u8);
        to.Add(exchange.Target);
        to.Add(" HTTP/1.1\r\n"u8);
        to.Line("Host"u8, exchange.Host);
        var headers = exchange.RequestHeaders;
        var named = headers.Connection;
        foreach (var (name, values) in headers)
        {
            if (HeaderRules.StaysIn(name) || (named.Count > 0 && NamedBy(named, name, upgrade))) continue;
            for (var i = 0; i < values.Count; i++)
            {
                var value = values[i];
                if (value.AsSpan().ContainsAny(Breaks)) return false;
                if (name.Length == 6 && name.Equals("Cookie", StringComparison.OrdinalIgnoreCase) && (value = HeaderRules.WithoutOwnCookies(value ?? "")) is null) continue;
                to.Add(name);
                to.Add(": "u8);
                to.Add(value);
                to.Add("\r\n"u8);
            }
        }
        // Each header costs the compute server microseconds, in the dispatcher's isolate and in the worker's: none more than needed.
        to.Line("x-forwarded-for"u8, exchange.Address);
        to.Line("x-forwarded-proto"u8, exchange.Request.Scheme);
        to.Add(VisitorFacts.Lines(exchange, facts));
        to.Line("cf-connecting-ip"u8, exchange.Address);
        if (watched && headers["x-request-id"].Count == 0) to.Line("x-request-id"u8, RequestIds.Next());
        to.Add("x-quarterdeck-worker: "u8);
        to.Add(exchange.Version.KeyText);
        to.Add(watched ? "+tail\r\n"u8 : "\r\n"u8);
        if (upgrade is not Upgrade.None) to.Add("Connection: Upgrade\r\nUpgrade: websocket\r\n"u8);
        if (upgrade is Upgrade.Http2) to.Line("Sec-WebSocket-Key"u8, Convert.ToBase64String(Guid.NewGuid().ToByteArray()));
        if (hasBody && headers.ContentLength is { } length)
        {
            to.Add("Content-Length: "u8);
            to.Add(length);
            to.Add("\r\n\r\n"u8);
        }
        else if (hasBody) to.Add("Transfer-Encoding: chunked\r\n\r\n"u8);
        // an empty body is told as well: fetch() of a worker that passes the request on needs it
        else to.Add(HttpMethods.IsPost(exchange.Request.Method) || HttpMethods.IsPut(exchange.Request.Method) || HttpMethods.IsPatch(exchange.Request.Method) ? "Content-Length: 0\r\n\r\n"u8 : "\r\n"u8);
        return true;
    }

    /// <summary>Whether the Connection header names this one, which then ends here.</summary>
    private static bool NamedBy(Microsoft.Extensions.Primitives.StringValues connection, string name, Upgrade upgrade)
    {
        if (connection.Count == 1 && connection[0] is "keep-alive" or "close" or "Upgrade" || upgrade is not Upgrade.None) return false;
        foreach (var list in connection)
            foreach (var word in (list ?? "").Split(','))
                if (word.AsSpan().Trim().Equals(name, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }
}

/// <summary>Ids of requests, by which a log line is found again: the node's start and a count.</summary>
internal static class RequestIds
{
    private static readonly long Start = Random.Shared.NextInt64(1 << 30, 1L << 40);
    private static long _count;

    public static string Next() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Start:x}-{Interlocked.Increment(ref _count):x}");
}
