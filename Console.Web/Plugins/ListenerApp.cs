using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Plugins;

/// <summary>The appliance listener's own small server: two calls, and nothing of the console's pages, REST or hub.</summary>
internal static partial class ListenerApp
{
    private const string EnrolLimit = "enrol", BeatLimit = "beat";

    /// <summary>Builds it; the caller starts and disposes it.</summary>
    public static WebApplication Build(Enrolment enrolment, ILoggerFactory logs, IReadOnlyList<IPAddress> addresses, int port, Func<X509Certificate2> certificate)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logs);
        builder.Services.AddLogging();
        builder.Services.AddRoutingCore();
        builder.Services.Configure<JsonOptions>(o => { foreach (var c in ListenerBody.Json.Converters) o.SerializerOptions.Converters.Add(c); });
        builder.Services.AddRateLimiter(Limits);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => Configure(kestrel, addresses, port, certificate));
        var app = builder.Build();
        var logger = logs.CreateLogger("Quarterdeck.Web.Plugins.Listener");
        app.Use(next => http => GuardAsync(http, next, logger));
        app.UseRouting();
        app.UseRateLimiter();
        app.MapPost("/api/v1/plugins/enrolments", (RequestDelegate)(http => EnrolAsync(http, enrolment))).RequireRateLimiting(EnrolLimit);
        app.MapPost("/api/v1/plugins/{id:guid}/heartbeat", (RequestDelegate)(http => BeatAsync(http, enrolment))).RequireRateLimiting(BeatLimit);
        return app;
    }

    private static void Configure(KestrelServerOptions kestrel, IReadOnlyList<IPAddress> addresses, int port, Func<X509Certificate2> certificate)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = ListenerBody.MaxBytes;
        kestrel.Limits.MaxConcurrentConnections = 1000;
        kestrel.Limits.MaxRequestHeadersTotalSize = 8 << 10;
        foreach (var address in addresses)
            kestrel.Listen(address, port, listen => listen.UseHttps(https =>
            {
                https.ServerCertificateSelector = (_, _) => certificate();
                https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
                https.HandshakeTimeout = TimeSpan.FromSeconds(10);
            }));
    }

    /// <summary>Guests on user networks share an address, so the limits by address are wide; a token of 256 bits is not guessed at any rate.</summary>
    private static void Limits(RateLimiterOptions limits)
    {
        limits.AddPolicy(EnrolLimit, http => RateLimitPartition.GetFixedWindowLimiter($"{http.Connection.RemoteIpAddress}", _ => Window(60)));
        limits.AddPolicy(BeatLimit, http => RateLimitPartition.GetFixedWindowLimiter($"{http.Request.RouteValues["id"]}", _ => Window(60)));
        limits.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(http => RateLimitPartition.GetFixedWindowLimiter($"{http.Connection.RemoteIpAddress}", _ => Window(6000)));
        limits.OnRejected = async (context, _) =>
        {
            context.HttpContext.Response.Headers.RetryAfter = context.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? $"{Math.Max(1, (int)after.TotalSeconds)}" : "15";
            await ProblemBody.Of(StatusCodes.Status429TooManyRequests, context.HttpContext).WriteAsync(context.HttpContext);
        };

        static FixedWindowRateLimiterOptions Window(int permits) => new() { PermitLimit = permits, Window = TimeSpan.FromMinutes(1) };
    }

    private static async Task EnrolAsync(HttpContext http, Enrolment enrolment)
    {
        if (!(await ListenerBody.ReadAsync<EnrolmentRequest>(http)).TryGet(out var request, out var wrong)) { await WriteAsync(http, wrong); return; }
        if (!(await enrolment.EnrolAsync(request, http.RequestAborted)).TryGet(out var answer, out var refused)) { await WriteAsync(http, refused); return; }
        http.Response.StatusCode = StatusCodes.Status201Created;
        await http.Response.WriteAsJsonAsync(answer, ListenerBody.Json, http.RequestAborted);
    }

    private static async Task BeatAsync(HttpContext http, Enrolment enrolment)
    {
        var header = http.Request.Headers.Authorization.ToString();
        var token = header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header["Bearer ".Length..].Trim() : null;
        var id = Guid.Parse((string)http.Request.RouteValues["id"]!);
        if (!await enrolment.KnowsAsync(id, token, http.RequestAborted))
        {
            http.Response.Headers.WWWAuthenticate = "Bearer";
            await new ProblemBody("The token is not accepted", StatusCodes.Status401Unauthorized, "It is missing, wrong, expired, or the plug-in is disabled. Try again later.").WriteAsync(http);
            return;
        }
        if (!(await ListenerBody.ReadAsync<Heartbeat>(http)).TryGet(out var heartbeat, out var wrong)) { await WriteAsync(http, wrong); return; }
        if (!(await enrolment.HeartbeatAsync(id, token, heartbeat, http.RequestAborted)).TryGet(out var answer, out var refused)) { await WriteAsync(http, refused); return; }
        await http.Response.WriteAsJsonAsync(answer, ListenerBody.Json, http.RequestAborted);
    }

    private static Task WriteAsync(HttpContext http, Problem problem) => ProblemBody.Of(problem).WriteAsync(http);

    private static async Task GuardAsync(HttpContext http, RequestDelegate next, ILogger logger)
    {
        try
        {
            await next(http);
            if (!http.Response.HasStarted && http.Response is { StatusCode: >= 400, ContentLength: null, ContentType: null })
                await new ProblemBody("Nothing is served here", http.Response.StatusCode, "Only enrolment and heartbeats of appliances are.").WriteAsync(http);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested) { }
        catch (BadHttpRequestException e) when (!http.Response.HasStarted)
        {
            var body = ProblemBody.Of(e.StatusCode, http);
            await (e.StatusCode == StatusCodes.Status400BadRequest ? body with { Detail = e.Message } : body).WriteAsync(http);
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            Log.Unexpected(logger, e, http.Request.Path);
            await (e is ProblemException refused ? ProblemBody.Of(refused.Problem) : ProblemBody.Of(StatusCodes.Status500InternalServerError, http)).WriteAsync(http);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "{Path} failed unexpectedly on the appliance listener.")]
        public static partial void Unexpected(ILogger logger, Exception exception, PathString path);
    }
}
