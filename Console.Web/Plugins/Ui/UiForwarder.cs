using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Quarterdeck.Plugins;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>Carries one request to a guest and its answer back, both as they come: nothing is held but one buffer a direction.</summary>
internal sealed class UiForwarder(UiUpstreams upstreams)
{
    /// <summary>How long a guest may be silent until its answer begins; an upload that moves is not silence.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    /// <summary>Forwards it.</summary>
    /// <exception cref="UiRefusedException">The answer must not be passed on.</exception>
    /// <exception cref="HttpRequestException">The guest is not reached or answers badly; nothing was sent to the browser.</exception>
    /// <exception cref="TimeoutException">The guest is silent.</exception>
    public async Task ForwardAsync(HttpContext context, UiAddress address, PluginVisit visit, CancellationToken ended)
    {
        var extended = context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect ? connect : null;
        var upgrade = context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } feature ? feature : null;
        var socket = extended is { Protocol: "websocket" } || (upgrade is not null && string.Equals(context.Request.Headers.Upgrade, "websocket", StringComparison.OrdinalIgnoreCase));
        if (extended is not null && !socket) throw new UiRefusedException(StatusCodes.Status501NotImplemented, "Only WebSockets may be opened here.");

        using var wait = CancellationTokenSource.CreateLinkedTokenSource(ended);
        wait.CancelAfter(Patience);
        using var request = Make(context, address, visit, socket, () => wait.CancelAfter(Patience));
        HttpResponseMessage answer;
        try { answer = await upstreams.SendAsync(request, wait.Token); }
        catch (OperationCanceledException) when (!ended.IsCancellationRequested) { throw new TimeoutException(); }
        using (answer)
        {
            wait.CancelAfter(Timeout.InfiniteTimeSpan);
            if (answer.StatusCode is HttpStatusCode.SwitchingProtocols) await SwitchAsync(context, request, answer, address, extended, socket ? upgrade : null, ended);
            else await AnswerAsync(context, answer, address, visit, ended);
        }
    }

    private static HttpRequestMessage Make(HttpContext context, UiAddress address, PluginVisit visit, bool socket, Action moved)
    {
        var request = new HttpRequestMessage
        {
            Method = socket ? HttpMethod.Get : HttpMethod.Parse(context.Request.Method), Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            RequestUri = new Uri(UiUpstreams.Authority(visit.Plugin) + address.Target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }),
        };
        if (!socket && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true })
        {
            request.Content = new RequestBody(context.Request.Body, context.Request.ContentLength, moved);
            if (context.Request.ContentLength is null) request.Headers.TransferEncodingChunked = true;
        }
        UiHeaders.ToGuest(context, request, address, visit);
        if (!socket) return request;
        request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
        request.Headers.TryAddWithoutValidation("Upgrade", "websocket");
        // Over HTTP/2 a browser sends no key, because nothing there could take the request for another.
        if (!context.Request.Headers.ContainsKey("Sec-WebSocket-Key")) request.Headers.TryAddWithoutValidation("Sec-WebSocket-Key", Convert.ToBase64String(RandomNumberGenerator.GetBytes(16)));
        return request;
    }

    private static async Task AnswerAsync(HttpContext context, HttpResponseMessage answer, UiAddress address, PluginVisit visit, CancellationToken ended)
    {
        var response = context.Response;
        string? inside = null;
        if (answer.Headers.NonValidated.TryGetValues("Location", out var location) && (inside = UiLocation.Inside(location.ToString(), address, visit.Plugin.Ui!, context.Request.Host)) is null)
            throw new UiRefusedException(StatusCodes.Status502BadGateway, $"The plug-in tried to lead you away from its own pages, to {Shorten(location.ToString())}. The console does not follow.");
        response.StatusCode = (int)answer.StatusCode;
        UiHeaders.ToBrowser(answer, response, address);
        if (inside is not null) response.Headers.Location = inside;
        UiHeaders.Harden(context, address.Prefix);
        if (HttpMethods.IsHead(context.Request.Method) || response.StatusCode is StatusCodes.Status204NoContent or StatusCodes.Status205ResetContent or StatusCodes.Status304NotModified) return;
        try
        {
            await using var body = await answer.Content.ReadAsStreamAsync(ended);
            await response.StartAsync(ended); // the headers of an event stream come before its first event
            await RequestBody.CopyAsync(body, response.Body, null, ended);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or HttpRequestException)
        {
            // It broke off after the headers: the browser must not take it for whole.
            context.Abort();
        }
    }

    private static async Task SwitchAsync(
        HttpContext context, HttpRequestMessage request, HttpResponseMessage answer, UiAddress address, IHttpExtendedConnectFeature? extended, IHttpUpgradeFeature? upgrade, CancellationToken ended)
    {
        if (extended is null && upgrade is null) throw new HttpRequestException("It switched protocols without having been asked.");
        var accept = answer.Headers.NonValidated.TryGetValues("Sec-WebSocket-Accept", out var value) ? value.ToString() : "";
        if (accept != Accept(request.Headers.NonValidated["Sec-WebSocket-Key"].ToString())) throw new HttpRequestException("It answered a WebSocket with a wrong key.");
        UiHeaders.ToBrowser(answer, context.Response, address);
        if (extended is not null) context.Response.Headers.Remove("Sec-WebSocket-Accept");
        else (context.Response.Headers.Connection, context.Response.Headers.Upgrade) = ("Upgrade", "websocket");
        UiHeaders.Harden(context, address.Prefix);
        await using var guest = await answer.Content.ReadAsStreamAsync(ended);
        await using var browser = extended is not null ? await extended.AcceptAsync() : await upgrade!.UpgradeAsync();
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ended);
        var ways = new[] { RequestBody.CopyAsync(browser, guest, null, both.Token), RequestBody.CopyAsync(guest, browser, null, both.Token) };
        await Task.WhenAny(ways);
        await both.CancelAsync(); // either end closing ends both: a WebSocket has no half-open state
        await Task.WhenAll(ways.Select(w => w.ContinueWith(static _ => { }, TaskScheduler.Default)));
        if (ended.IsCancellationRequested) context.Abort();
    }

    // RFC 6455 asks for SHA-1 here; it proves nothing but that the other side speaks WebSocket.
    private static string Accept(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));

    private static string Shorten(string text) => text.Length > 120 ? text[..120] + "…" : text;
}

/// <summary>The proxy does not pass something on; the message is for the person who looks at the frame.</summary>
internal sealed class UiRefusedException(int status, string message) : Exception(message)
{
    /// <summary>The status of the answer.</summary>
    public int Status => status;
}
