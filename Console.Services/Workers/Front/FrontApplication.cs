using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Quarterdeck.Workers.Front.Assets;
using Quarterdeck.Workers.Front.Tls;
using Quarterdeck.Workers.Front.Upstream;
using Quarterdeck.Workers.Registry;
using Quarterdeck.Workers.Traces;

namespace Quarterdeck.Workers.Front;

/// <summary>From host and path to an answer: a static file, a worker, or a refusal. Reads the worker table and no database.</summary>
internal sealed partial class FrontApplication(
    WorkerTable table, OwnNames own, CertificateTable certificates, AssetResponder assets, Forwarder forwarder, IUpstreams servers, WorkerFigures figures, ILogger<FrontApplication> logger, TraceExport? traces = null)
    : IHttpApplication<Exchange>
{
    private const string Challenges = "/.well-known/acme-challenge/";

    public Exchange CreateContext(IFeatureCollection contextFeatures)
    {
        // The server keeps it with the connection, so that a request allocates none.
        if (contextFeatures is not IHostContextContainer<Exchange> kept) return new Exchange().Begin(contextFeatures);
        return (kept.HostContext ??= new Exchange()).Begin(contextFeatures);
    }

    public void DisposeContext(Exchange context, Exception? exception) { }

    public async Task ProcessRequestAsync(Exchange context)
    {
        try
        {
            if (Target(context) is not { } host) await Refusal.BadRequest.WriteAsync(context);
            else if (Challenge(context, host) is { } answer) await AnswerChallengeAsync(context, answer);
            else if (Route(context, host) is { } refusal) await refusal.WriteAsync(context);
            else await AnswerAsync(context);
        }
        catch (OperationCanceledException) when (context.Gone.IsCancellationRequested)
        {
            context.Outcome = RequestOutcome.Canceled;
        }
        catch (Exception e)
        {
            Log.Unexpected(logger, e, context.Request.Method, context.Host);
            context.Outcome = RequestOutcome.Unavailable;
            if (context.HasStarted) context.Lifetime.Abort();
            else await Refusal.Unreachable.WriteAsync(context);
        }
        if (traces is { IsOn: true } && context.Version is not null) Trace(context, traces);
        if (context.Version is { } version && !context.IsRecorded)
            figures.Record(version.Key.Serial, version.Key.Version, context.Outcome is RequestOutcome.Canceled ? 0 : context.Response.StatusCode, context.Microseconds, context.Outcome);
    }

    private static void Trace(Exchange exchange, TraceExport traces)
    {
        var parent = exchange.RequestHeaders.TraceParent.Count == 1 ? exchange.RequestHeaders.TraceParent[0] : null;
        if (!traces.Wants(parent)) return;
        var query = exchange.Target.IndexOf('?', StringComparison.Ordinal);
        traces.Offer(new RequestSpan(exchange.Worker.Name, exchange.Version.Key, exchange.Request.Method, exchange.Host, query < 0 ? exchange.Target : exchange.Target[..query],
            exchange.Response.StatusCode, exchange.Outcome, DateTimeOffset.UtcNow, exchange.Microseconds, parent));
    }

    private async Task AnswerAsync(Exchange exchange)
    {
        var version = exchange.Version;
        exchange.Deadline = Environment.TickCount64 + version.Limits.WallMs;
        if (version.Assets is { } files && await assets.TryAnswerAsync(exchange, files)) return;
        if (exchange.Worker.Tier is WorkerTier.Off) await RefuseAsync(exchange, Refusal.Off, RequestOutcome.Unavailable);
        else if (!servers.Available) await RefuseAsync(exchange, Refusal.NoRuntime, RequestOutcome.Unavailable);
        else if (exchange.RequestHeaders.ContentLength > version.Limits.RequestBytes)
        {
            figures.RecordLimit(version.Key.Serial, version.Key.Version, WorkerLimitKind.RequestSize);
            await RefuseAsync(exchange, Refusal.RequestTooLarge, RequestOutcome.Limit);
        }
        else
        {
            // The server's own limit is for applications that set none.
            if (exchange.HasBody && exchange.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = version.Limits.RequestBytes;
            await forwarder.RunAsync(exchange);
        }
    }

    private static ValueTask RefuseAsync(Exchange exchange, Refusal refusal, RequestOutcome outcome)
    {
        exchange.Outcome = outcome;
        return refusal.WriteAsync(exchange);
    }

    /// <summary>Takes target and host of the request; null when they cannot be passed on.</summary>
    private static string? Target(Exchange exchange)
    {
        if (RequestTarget.Of(exchange.Request) is not { } target) return null;
        exchange.Target = target;
        exchange.Host = exchange.RequestHeaders.Host.Count == 1 ? exchange.RequestHeaders.Host[0]! : "";
        return RequestTarget.HostName(exchange.Host);
    }

    /// <summary>Finds worker and version; null when they are found, else why not.</summary>
    private Refusal? Route(Exchange exchange, string host)
    {
        var now = table.Current;
        if (own.Contains(host)) return Refusal.Misdirected;
        if (now.ZoneOf(host) is not { } zone) return table.IsLoaded ? Refusal.NoZone : Refusal.Starting;
        if (now.Match(zone, exchange.Request.Path) is not { } worker) return Refusal.NoRoute;
        if (worker.Versions.Count == 0) return Refusal.NotDeployed;
        exchange.Worker = worker;
        exchange.Version = VersionChoice.Of(worker, exchange.RequestHeaders, out var cookie);
        exchange.SetCookie = cookie is not null && exchange.Request.Scheme == "https" ? cookie + "; Secure" : cookie;
        return null;
    }

    /// <summary>What a certificate authority is to find at this path; null for all other requests.</summary>
    private string? Challenge(Exchange exchange, string host)
    {
        var path = exchange.Request.Path;
        if (!path.StartsWith(Challenges, StringComparison.Ordinal)) return null;
        return table.Current.ZoneOf(host) is { } zone ? certificates.Challenge(zone.Hostname, path[Challenges.Length..]) : null;
    }

    private static async Task AnswerChallengeAsync(Exchange exchange, string answer)
    {
        exchange.ResponseHeaders.ContentType = "application/octet-stream";
        await exchange.Body.WriteAsync(System.Text.Encoding.ASCII.GetBytes(answer));
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "A request {Method} for {Host} failed unexpectedly")]
        public static partial void Unexpected(ILogger logger, Exception e, string method, string host);
    }
}
