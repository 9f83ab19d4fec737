using System.Text;
using Quarterdeck.Workers.Front.Transport;

namespace Quarterdeck.Workers.Front;

/// <summary>An answer of the front itself: short, the same each time, with its cause in a header for whoever looks for it.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Cause">One word of it, in <c>x-quarterdeck-cause</c>.</param>
/// <param name="Text">For the visitor.</param>
internal sealed record Refusal(int Status, string Cause, string Text)
{
    public static readonly Refusal
        BadRequest = new(400, "request", "The request cannot be passed on: its target or a header has characters that do not belong there."),
        NoZone = new(404, "no-zone", "No zone answers for this host name."),
        NoRoute = new(404, "no-route", "No route of this zone matches this path."),
        NotDeployed = new(503, "not-deployed", "The worker of this route has no version deployed."),
        Misdirected = new(421, "console-host", "This host name is the console's own. Workers do not answer for it."),
        Starting = new(503, "starting", "Zones are not known yet. Try again in a moment."),
        Off = new(503, "off", "The worker of this route is switched off."),
        NoRuntime = new(503, "no-runtime", "Workers cannot run on this node."),
        RequestTooLarge = new(413, "request-size", "The request is larger than the worker takes."),
        RequestTooSlow = new(408, "request-slow", "The request came too slowly."),
        RequestBroken = new(400, "request", "The request's body cannot be read."),
        ResponseTooLarge = new(502, "response-size", "The worker's response is larger than its limit."),
        ResponseBroken = new(502, "response", "The worker's response cannot be read."),
        WallTime = new(504, "wall-time", "The worker took longer than its limit."),
        Unavailable = new(503, "unavailable", "The worker's process ended before it answered. The request was not sent again, because it may have had an effect."),
        Ended = new(503, "ended", "The worker ended its process. Its requests are not sent again, because they would end the next one."),
        Unreachable = new(503, "unreachable", "The worker's process does not answer. Try again in a moment."),
        NotFound = new(404, "no-file", "There is no such file.");

    private readonly byte[] _body = Encoding.UTF8.GetBytes(Text + "\n");

    /// <summary>Answers; only before the response has started.</summary>
    public async ValueTask WriteAsync(Exchange exchange)
    {
        await IoLoop.LeaveAsync();
        exchange.ResponseHeaders.Clear();
        exchange.Response.StatusCode = Status;
        exchange.ResponseHeaders.ContentType = "text/plain; charset=utf-8";
        exchange.ResponseHeaders.ContentLength = _body.Length;
        exchange.ResponseHeaders.CacheControl = "no-store";
        exchange.ResponseHeaders["x-quarterdeck-cause"] = Cause;
        // The body is left unread, so that the connection ends: who knows sends the next request over another one instead of losing it.
        if (exchange.HasBody && exchange.Request.Protocol.StartsWith("HTTP/1", StringComparison.Ordinal)) exchange.ResponseHeaders.Connection = "close";
        if (Status == 503) exchange.ResponseHeaders.RetryAfter = "1";
        if (!exchange.IsHead) await exchange.Body.WriteAsync(_body);
    }
}
