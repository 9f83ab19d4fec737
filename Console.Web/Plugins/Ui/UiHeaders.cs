using System.Net.Http.Headers;
using Microsoft.Net.Http.Headers;
using Quarterdeck.Plugins;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>Which headers pass between a browser and a plug-in's guest, and which the console sets itself.</summary>
internal static class UiHeaders
{
    // What concerns one connection only (RFC 9110, 7.6.1), what would carry the user's secrets or speak in the console's name.
    private static readonly HashSet<string> NotToGuest = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "HTTP2-Settings", "Alt-Used",
        "Host", "Cookie", "Cookie2", "Authorization", "Referer", "Origin", "Content-Length", "Service-Worker", "Service-Worker-Navigation-Preload", "Forwarded", "Early-Data",
    };

    private static readonly HashSet<string> NotToBrowser = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authentication-Info", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
        "Set-Cookie", "Set-Cookie2", "WWW-Authenticate", "Authentication-Info", "Clear-Site-Data", "Service-Worker-Allowed", "Refresh", "Location", "Link",
        "Strict-Transport-Security", "Public-Key-Pins", "Public-Key-Pins-Report-Only", "Expect-CT", "Alt-Svc", "Accept-CH", "Critical-CH", "Origin-Trial", "Speculation-Rules", "Set-Login", "Activate-Storage-Access",
        "Content-Security-Policy", "Content-Security-Policy-Report-Only", "X-Content-Security-Policy", "X-WebKit-CSP", "X-Frame-Options", "X-Content-Type-Options", "X-XSS-Protection", "Referrer-Policy", "X-DNS-Prefetch-Control",
        "Permissions-Policy", "Permissions-Policy-Report-Only", "Feature-Policy", "Document-Policy", "Require-Document-Policy", "Origin-Agent-Cluster", "Timing-Allow-Origin",
        "Report-To", "Reporting-Endpoints", "NEL", "Server", "X-Powered-By", "SourceMap", "X-SourceMap",
    };

    private static readonly string[] PrefixesNotToGuest = ["X-Forwarded-", "X-Quarterdeck-", "Sec-Fetch-", "Access-Control-", "X-Original-"];
    private static readonly string[] PrefixesNotToBrowser = ["Access-Control-", "Cross-Origin-", "X-Quarterdeck-", "Attribution-Reporting-", "Observe-", "X-Accel-", "X-Sendfile"];

    /// <summary>Fills a request to the guest.</summary>
    public static void ToGuest(HttpContext context, HttpRequestMessage request, UiAddress address, PluginVisit visit)
    {
        var named = Named(context.Request.Headers.Connection);
        foreach (var (name, values) in context.Request.Headers)
        {
            if (name.StartsWith(':') || NotToGuest.Contains(name) || Begins(name, PrefixesNotToGuest) || named?.Contains(name) == true) continue;
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values)) request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
        var authority = $"localhost:{visit.Plugin.Ui!.Port}";
        request.Headers.Host = authority;
        // The console has looked at the origin itself: for the guest it is a page of its own.
        if (context.Request.Headers.Origin.Count > 0) request.Headers.TryAddWithoutValidation("Origin", $"{visit.Plugin.Ui.Scheme}://{authority}");
        Add("X-Forwarded-For", context.Connection.RemoteIpAddress?.ToString() ?? "unknown");
        Add("X-Forwarded-Host", context.Request.Host.Value ?? "");
        Add("X-Forwarded-Proto", context.Request.Scheme);
        Add("X-Forwarded-Prefix", address.Prefix);
        Add("X-Quarterdeck-User", Uri.EscapeDataString(visit.Caller.Name));
        Add("X-Quarterdeck-Role", visit.Caller.Role.ToString().ToLowerInvariant());

        void Add(string name, string value) => request.Headers.TryAddWithoutValidation(name, value);
    }

    /// <summary>Takes the guest's answer over, except what is not its to say.</summary>
    public static void ToBrowser(HttpResponseMessage answer, HttpResponse response, UiAddress address)
    {
        var named = Named(answer.Headers.NonValidated.TryGetValues("Connection", out var connection) ? connection.ToString() : null);
        Copy(answer.Headers.NonValidated);
        Copy(answer.Content.Headers.NonValidated);
        if (answer.Headers.NonValidated.TryGetValues("Link", out var links) && links.All(l => UiLocation.AreInside(l))) response.Headers.Link = links.ToArray();

        void Copy(HttpHeadersNonValidated headers)
        {
            foreach (var (name, values) in headers)
                if (!NotToBrowser.Contains(name) && !Begins(name, PrefixesNotToBrowser) && named?.Contains(name) != true) response.Headers[name] = values.ToArray();
        }
    }

    /// <summary>What every answer of this branch says, whoever wrote it: a page of an origin of its own, without the console's rights, in the console's frame at most.</summary>
    /// <remarks>
    /// Its scripts and connections reach the ticket's own address and nothing else. Sources are named with http and ws, which include their encrypted twins behind a proxy that does TLS.
    /// <c>Access-Control-Allow-Origin: null</c>: pages without an origin need it for their own scripts and data; the ticket in the address is what lets in.
    /// </remarks>
    public static void Harden(HttpContext context, string prefix)
    {
        var host = context.Request.Host.Value ?? "";
        // A policy cannot name IPv6 addresses.
        var own = host.StartsWith('[') ? "'self'" : $"http://{host}{prefix}/ ws://{host}{prefix}/";
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = $"sandbox allow-scripts allow-forms allow-downloads; default-src {own} data: blob: 'unsafe-inline' 'unsafe-eval'; form-action {own}; base-uri {own}; object-src 'none'; frame-ancestors 'self'";
        headers.XFrameOptions = "SAMEORIGIN";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "unsafe-none"; // with another value browsers refuse to open a sandboxed page directly
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"; // the page has no origin, so all it loads is another's
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), fullscreen=(), display-capture=(), publickey-credentials-get=(), clipboard-read=(), serial=(), hid=()";
        headers["X-Robots-Tag"] = "noindex";
        headers.AccessControlAllowOrigin = "null";
        headers.AccessControlExposeHeaders = "*";
        if (!headers.ContainsKey(HeaderNames.CacheControl)) headers.CacheControl = "no-store";
    }

    /// <summary>Whether the request comes from such a page, from the console itself, or from no page.</summary>
    public static bool IsFromHere(HttpRequest request) =>
        request.Headers.Origin.ToString() is var origin && (origin is "" or "null" || RequestOrigin.IsOwn(origin, request.Host));

    private static HashSet<string>? Named(string? connection) =>
        string.IsNullOrEmpty(connection) ? null : new HashSet<string>(connection.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), StringComparer.OrdinalIgnoreCase);

    private static bool Begins(string name, string[] prefixes) => Array.Exists(prefixes, p => name.StartsWith(p, StringComparison.OrdinalIgnoreCase));
}
