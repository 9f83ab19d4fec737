namespace Quarterdeck.Web.Access;

/// <summary>The nonce of this answer: every inline <c>&lt;script&gt;</c>, <c>&lt;style&gt;</c> and import map of <c>App.razor</c> carries it (<c>nonce="@Csp.Value"</c>).</summary>
public sealed class CspNonce
{
    /// <summary>128 random bits in base64.</summary>
    public string Value { get; } = Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(16));
}

/// <summary>Headers that keep a browser from being used against its user. An endpoint that sets one of them itself keeps its own.</summary>
internal static class SecurityHeaders
{
    public static Task ApplyAsync(HttpContext context, RequestDelegate next)
    {
        var isPage = !context.Request.Path.StartsWithSegments("/api/v1") && !context.Request.Path.StartsWithSegments("/openapi") && !context.Request.Path.StartsWithSegments("/hubs");
        var nonce = isPage ? context.RequestServices.GetRequiredService<CspNonce>().Value : null;
        context.Response.OnStarting(() =>
        {
            var headers = context.Response.Headers;
            headers.TryAdd("Content-Security-Policy", nonce is null ? "default-src 'none'; frame-ancestors 'none'" : Page(nonce, context.Request));
            headers.TryAdd("X-Content-Type-Options", "nosniff");
            headers.TryAdd("X-Frame-Options", "DENY"); // for browsers that do not know frame-ancestors
            headers.TryAdd("Referrer-Policy", "same-origin");
            headers.TryAdd("Cross-Origin-Opener-Policy", "same-origin");
            headers.TryAdd("Cross-Origin-Resource-Policy", "same-origin");
            headers.TryAdd("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()");
            if (!isPage) headers.TryAdd("Cache-Control", "no-store");
            if (context.Request.IsHttps) headers.TryAdd("Strict-Transport-Security", "max-age=31536000");
            return Task.CompletedTask;
        });
        return next(context);
    }

    /// <remarks>
    /// <c>style-src-attr 'unsafe-inline'</c>: Radzen's components and progress bars set <c>style</c> attributes; a style attribute cannot run code,
    /// and no page shows HTML that came from outside. Style elements and scripts need the nonce or our own origin.
    /// The WebSocket origins are named because not every browser takes <c>'self'</c> for them. <c>data:</c> and <c>blob:</c> images: noVNC's cursor and screen.
    /// </remarks>
    private static string Page(string nonce, HttpRequest request) =>
        $"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; "
        + $"img-src 'self' data: blob:; font-src 'self'; connect-src 'self' {(request.IsHttps ? "wss" : "ws")}://{request.Host.Value}; "
        + "frame-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
}
