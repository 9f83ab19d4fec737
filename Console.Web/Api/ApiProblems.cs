using Microsoft.AspNetCore.Diagnostics;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Api;

/// <summary>Turns whatever goes wrong under <c>/api</c> into problem details.</summary>
internal static partial class ApiProblems
{
    /// <summary>Wraps all of <c>/api</c>: exceptions and empty error answers get a body.</summary>
    public static WebApplication UseApiProblems(this WebApplication app)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Quarterdeck.Web.Api");
        app.UseWhen(c => c.Request.Path.StartsWithSegments("/api"), api => api.Use(next => context => GuardAsync(context, next, logger)));
        return app;
    }

    private static async Task GuardAsync(HttpContext context, RequestDelegate next, ILogger logger)
    {
        try
        {
            await next(context);
            if (!context.Response.HasStarted && context.Response is { StatusCode: >= 400, ContentLength: null, ContentType: null })
                await ProblemBody.Of(context.Response.StatusCode, context).WriteAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // nobody waits for an answer any more
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            context.Features.Get<IStatusCodePagesFeature>()?.Enabled = false;
            await Describe(e, context, logger).WriteAsync(context);
        }
    }

    private static ProblemBody Describe(Exception e, HttpContext context, ILogger logger)
    {
        switch (e)
        {
            case ProblemException refused:
                return ProblemBody.Of(refused.Problem);
            case BadHttpRequestException bad:
                var body = ProblemBody.Of(bad.StatusCode, context);
                return bad.StatusCode == StatusCodes.Status400BadRequest ? body with { Detail = bad.Message } : body;
            default:
                Log.Unexpected(logger, e, context.Request.Method, context.Request.Path);
                return ProblemBody.Of(StatusCodes.Status500InternalServerError, context);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed unexpectedly")]
        public static partial void Unexpected(ILogger logger, Exception e, string method, PathString path);
    }
}
