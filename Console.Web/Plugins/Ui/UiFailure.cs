using System.Text.Encodings.Web;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>Why a plug-in's page cannot be shown, as a page in its place; programs get the same words as text.</summary>
/// <param name="Status">Of the answer.</param>
/// <param name="Title">In a few words.</param>
/// <param name="Detail">What happened, and the remedy.</param>
internal sealed record UiFailure(int Status, string Title, string Detail)
{
    /// <summary>The ticket does not let in (any more).</summary>
    public static UiFailure Ended { get; } = new(StatusCodes.Status404NotFound, "This view has ended", "You signed out, the plug-in was disabled or removed, or this was not used for an hour. Open the plug-in again in the console.");

    /// <summary>More requests at once than a page needs.</summary>
    public static UiFailure Crowded { get; } = new(StatusCodes.Status429TooManyRequests, "Too many requests at once", $"This view has {UiVisits.MostAtOnce} requests open. Wait for some to end.");

    /// <summary>What went wrong on the way to the guest.</summary>
    /// <param name="error">As thrown.</param>
    /// <param name="name">The plug-in's name.</param>
    /// <param name="port">Its port.</param>
    public static UiFailure Of(Exception error, string name, int port)
    {
        for (var e = error; e is not null; e = e.InnerException)
            if (e is ProblemException { Problem: var problem }) return new(StatusCodes.Status503ServiceUnavailable, problem.Title, problem.Detail);
        return error switch
        {
            UiRefusedException refused => new(refused.Status, "The plug-in's answer was refused", refused.Message),
            TimeoutException => new(StatusCodes.Status504GatewayTimeout, $"{name} does not answer", $"It took the request, but did not answer within {UiForwarder.Patience.TotalSeconds:0} s."),
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => new(StatusCodes.Status502BadGateway, $"{name} speaks no TLS", $"Its manifest says https, but port {port} of its VM does not answer so."),
            HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.InvalidResponse } =>
                new(StatusCodes.Status502BadGateway, $"{name} answers badly", "Its answer is not HTTP, or its headers are larger than 32 KiB."),
            _ => new(StatusCodes.Status503ServiceUnavailable, $"{name} does not answer", $"Nothing answers on port {port} of its VM. It may be starting: try again in a moment, or look at its VM's console."),
        };
    }

    /// <summary>Writes it.</summary>
    public async Task WriteAsync(HttpContext context)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }
        var response = context.Response;
        response.Headers.ContentLength = null;
        (response.StatusCode, response.Headers.CacheControl) = (Status, "no-store");
        if (HttpMethods.IsHead(context.Request.Method)) return;
        var page = context.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal);
        response.ContentType = page ? "text/html; charset=utf-8" : "text/plain; charset=utf-8";
        await response.WriteAsync(page ? Page() : $"{Title}. {Detail}\n", context.RequestAborted);
    }

    // The frame has no access to the console's style sheets, so the page brings the few lines it needs, and the theme arrives as a message. 'ended' lets the console renew its view.
    private string Page()
    {
        var (retry, word) = (this == Ended ? "" : """<a href="">Try again</a>""", this == Ended ? "ended" : "failed");
        return $$"""
            <!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>{{Html(Title)}}</title>
            <style>
            :root { --ink: #1b2430; --soft: #5a6675; --line: #c9d1db }
            @media (prefers-color-scheme: dark) { :root:not([data-theme=light]) { --ink: #e6ebf2; --soft: #9aa7b8; --line: #3a4656 } }
            :root[data-theme=dark] { --ink: #e6ebf2; --soft: #9aa7b8; --line: #3a4656; color-scheme: dark }
            :root[data-theme=light] { color-scheme: light }
            body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); margin: 0; display: grid; place-items: center; min-height: 100vh }
            main { max-width: 34rem; padding: 1.5rem } h1, p { overflow-wrap: anywhere } h1 { font-size: 1.15rem; margin: 0 0 .5rem } p { color: var(--soft); margin: 0 0 1rem }
            a { display: inline-block; color: inherit; border: 1px solid var(--line); border-radius: 6px; padding: .35rem .8rem; text-decoration: none } a:focus-visible { outline: 2px solid; outline-offset: 2px }
            </style>
            <main><h1>{{Html(Title)}}</h1><p>{{Html(Detail)}}</p>{{retry}}</main>
            <script>
            addEventListener('message', e => { if (e.source === parent && e.data?.quarterdeck === 1 && e.data.theme) document.documentElement.dataset.theme = e.data.theme; });
            if (parent !== self) parent.postMessage({ quarterdeck: 1, type: '{{word}}' }, '*');
            </script></html>
            """;
    }

    private static string Html(string text) => HtmlEncoder.Default.Encode(text);
}
