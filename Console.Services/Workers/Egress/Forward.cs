using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Quarterdeck.Workers.Egress;

/// <summary>Copies a subrequest and its response, hop by hop.</summary>
internal static class Forward
{
    private static readonly HashSet<string> HopByHop = new(StringComparer.OrdinalIgnoreCase)
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host",
    };

    /// <summary>The request as it goes on.</summary>
    public static HttpRequestMessage Request(HttpContext context, Uri uri)
    {
        var request = context.Request;
        var upgrade = Upgrade(context);
        var outgoing = new HttpRequestMessage(new HttpMethod(request.Method), uri) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (request.ContentLength > 0 || request.Headers.TransferEncoding.Count > 0) outgoing.Content = new StreamContent(request.Body);
        foreach (var (name, value) in request.Headers)
        {
            if (HopByHop.Contains(name) || name.StartsWith("x-quarterdeck-", StringComparison.OrdinalIgnoreCase)) continue;
            if (!outgoing.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)value)) outgoing.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)value);
        }
        if (upgrade is not null)
        {
            outgoing.Headers.TryAddWithoutValidation("Connection", "Upgrade");
            outgoing.Headers.TryAddWithoutValidation("Upgrade", upgrade);
        }
        return outgoing;
    }

    /// <summary>Sends the response back; one that is longer than allowed is cut off, which its reader sees as an error.</summary>
    public static async Task ResponseAsync(HttpContext context, HttpResponseMessage response, long mostBytes)
    {
        context.Response.StatusCode = (int)response.StatusCode;
        foreach (var (name, values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
            if (!HopByHop.Contains(name) && !name.StartsWith("x-quarterdeck-", StringComparison.OrdinalIgnoreCase)) context.Response.Headers[name] = values.ToArray();
        var cancellation = context.RequestAborted;
        var from = await response.Content.ReadAsStreamAsync(cancellation);
        if (response.StatusCode is HttpStatusCode.SwitchingProtocols)
        {
            context.Response.Headers.Connection = "Upgrade";
            context.Response.Headers.Upgrade = response.Headers.Upgrade.ToString();
            await using var to = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
            // Whichever side ends first ends both.
            await Task.WhenAny(from.CopyToAsync(to, cancellation), to.CopyToAsync(from, cancellation));
            context.Abort();
            return;
        }
        var part = new byte[16 << 10];
        var total = 0L;
        while (await from.ReadAsync(part, cancellation) is var read and > 0)
        {
            if ((total += read) > mostBytes)
            {
                context.Abort();
                return;
            }
            await context.Response.Body.WriteAsync(part.AsMemory(0, read), cancellation);
        }
    }

    private static string? Upgrade(HttpContext context) =>
        context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } && context.Request.Headers.Upgrade is [{ } protocol] && protocol.Equals("websocket", StringComparison.OrdinalIgnoreCase) ? protocol : null;
}
