using System.Net;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Access;

/// <summary>Who may talk to the console at all: requests for our own host names only, and from our own pages only where cookies count.</summary>
internal sealed class RequestOrigin
{
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase) { "localhost", Environment.MachineName, Dns.GetHostName() };
    private readonly bool _any;

    public RequestOrigin(ConsoleOptions options, IConfiguration configuration)
    {
        foreach (var url in (string?[])[.. options.Urls.Split(';'), options.ApplianceUrl])
            if (Uri.TryCreate(url, UriKind.Absolute, out var uri)) _names.Add(uri.Host);
        foreach (var name in (configuration["AllowedHosts"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            if (!(_any |= name == "*")) _names.Add(name);
    }

    /// <summary>A name that is not ours means DNS rebinding (or a proxy's name that the settings lack). Addresses cannot be rebound.</summary>
    public Task CheckHostAsync(HttpContext context, RequestDelegate next)
    {
        var host = context.Request.Host.Host;
        if (_any || _names.Contains(host) || IPAddress.TryParse(host.Trim('[', ']'), out _)) return next(context);
        return RefuseAsync(context, StatusCodes.Status400BadRequest, $"This console does not answer to the host name of this request. If the name is right, add it to the setting AllowedHosts, such as AllowedHosts=localhost;console.example.org, and start again.");
    }

    /// <summary>Browsers send <c>Origin</c> with every WebSocket and every unsafe request: another site's is refused, whatever cookies come along.</summary>
    public static Task CheckOriginAsync(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        var counts = request.Headers.ContainsKey("Upgrade") || HttpMethods.IsConnect(request.Method) || !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method));
        var origin = request.Headers.Origin.ToString();
        // REST takes no cookies, so another site's page has nothing to misuse there; CORS is not offered. Plug-ins' pages have no origin, and their branch looks itself.
        if (!counts || origin.Length == 0 || IsOwn(origin, request.Host) || request.Path.StartsWithSegments("/api/v1") || request.Path.StartsWithSegments("/plugin-ui")) return next(context);
        return RefuseAsync(context, StatusCodes.Status403Forbidden, "This request came from a page of another site.");
    }

    /// <summary>By host and port; the scheme may differ behind a proxy that does TLS.</summary>
    internal static bool IsOwn(string origin, HostString host)
    {
        if (!Uri.TryCreate(origin, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")) return false;
        var port = host.Port ?? (uri.Scheme == "https" ? 443 : 80);
        return uri.Port == port && string.Equals(uri.Host.Trim('[', ']'), host.Host.Trim('[', ']'), StringComparison.OrdinalIgnoreCase);
    }

    private static Task RefuseAsync(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(why, context.RequestAborted);
    }
}
