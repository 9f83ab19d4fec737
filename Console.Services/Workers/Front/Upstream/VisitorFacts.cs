using System.Security.Authentication;
using Microsoft.AspNetCore.Connections.Features;

namespace Quarterdeck.Workers.Front.Upstream;

/// <summary>What the runtime itself is told of a visitor's connection, and takes off: the scheme of the worker's URL, and <c>request.cf</c>.</summary>
internal static class VisitorFacts
{
    /// <summary>Header lines, each with its end.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="cf">Whether <c>request.cf</c> is wanted: the runtime reads and writes it anew at each hop.</param>
    public static ReadOnlySpan<byte> Lines(Exchange exchange, bool cf)
    {
        if (!cf) return exchange.Request.Scheme == "https" ? "x-quarterdeck-scheme: https\r\n"u8 : [];
        var http2 = exchange.Request.Protocol == "HTTP/2";
        // http is what the runtime takes for granted
        if (exchange.Request.Scheme != "https") return http2 ? "x-quarterdeck-cf: {\"httpProtocol\":\"HTTP/2\"}\r\n"u8 : "x-quarterdeck-cf: {\"httpProtocol\":\"HTTP/1.1\"}\r\n"u8;
        var older = exchange.Features.Get<ITlsHandshakeFeature>()?.Protocol is SslProtocols.Tls12;
        return (http2, older) switch
        {
            (true, false) => "x-quarterdeck-scheme: https\r\nx-quarterdeck-cf: {\"httpProtocol\":\"HTTP/2\",\"tlsVersion\":\"TLSv1.3\"}\r\n"u8,
            (false, false) => "x-quarterdeck-scheme: https\r\nx-quarterdeck-cf: {\"httpProtocol\":\"HTTP/1.1\",\"tlsVersion\":\"TLSv1.3\"}\r\n"u8,
            (true, true) => "x-quarterdeck-scheme: https\r\nx-quarterdeck-cf: {\"httpProtocol\":\"HTTP/2\",\"tlsVersion\":\"TLSv1.2\"}\r\n"u8,
            _ => "x-quarterdeck-scheme: https\r\nx-quarterdeck-cf: {\"httpProtocol\":\"HTTP/1.1\",\"tlsVersion\":\"TLSv1.2\"}\r\n"u8,
        };
    }
}
