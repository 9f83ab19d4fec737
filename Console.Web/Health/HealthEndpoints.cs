using Microsoft.Extensions.Diagnostics.HealthChecks;
using Quarterdeck.Metrics;

namespace Quarterdeck.Web.Health;

/// <summary>Whether the console and what it depends on can work; without a token, at the root.</summary>
/// <param name="Status"><c>ready</c> or <c>starting</c>.</param>
/// <param name="Dependencies">Each with <c>ready</c>, <c>unavailable</c> (declared so: the console works without it) or <c>starting</c>.</param>
public sealed record Readiness(string Status, IReadOnlyList<DependencyState> Dependencies);

/// <summary>One thing that the console depends on.</summary>
/// <param name="Name">Such as <c>database</c> or <c>host:local</c>.</param>
/// <param name="State"><c>ready</c>, <c>unavailable</c> or <c>starting</c>.</param>
/// <param name="Detail">More, in words; null when there is nothing to say.</param>
public sealed record DependencyState(string Name, string State, string? Detail);

/// <summary><c>/healthz/live</c>, <c>/healthz/ready</c> and <c>/metrics</c>.</summary>
/// <remarks>A room adds its dependency by <c>AddHealthChecks().AddCheck</c>: Healthy is ready, Degraded is declared unavailable, Unhealthy keeps the console from being ready.</remarks>
public static class HealthEndpoints
{
    /// <summary>Maps them.</summary>
    public static void MapHealth(this WebApplication app)
    {
        var root = app.MapGroup("").AllowAnonymous().ExcludeFromDescription().DisableHttpMetrics();
        root.MapGet("/healthz/live", () => TypedResults.Ok(new { status = "live" }));
        root.MapGet("/healthz/ready", ReadyAsync);
        root.MapGet("/metrics", async (HttpContext context, MetricsRegistry metrics) =>
        {
            context.Response.ContentType = MetricsRegistry.ContentType;
            await metrics.WriteAsync(context.Response.Body, context.RequestAborted);
        });
    }

    private static async Task<IResult> ReadyAsync(HealthCheckService checks, HttpContext context)
    {
        var report = await checks.CheckHealthAsync(context.RequestAborted);
        var dependencies = report.Entries.OrderBy(e => e.Key, StringComparer.Ordinal)
            .SelectMany(e => e.Value.Data.Count > 0 ? e.Value.Data.Values.OfType<DependencyState>() : [new(e.Key, Word(e.Value.Status), e.Value.Description)]).ToArray();
        var ready = report.Status is not HealthStatus.Unhealthy;
        return TypedResults.Json(new Readiness(ready ? "ready" : "starting", dependencies), statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    internal static string Word(HealthStatus status) => status switch { HealthStatus.Healthy => "ready", HealthStatus.Degraded => "unavailable", _ => "starting" };
}
