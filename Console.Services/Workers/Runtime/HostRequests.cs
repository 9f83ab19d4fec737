using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Runtime;

/// <summary>What the dispatcher of one compute server asks of the console: code, bindings; and what it tells: events of watched workers.</summary>
/// <param name="load">Code by key, for versions that may run in this server only.</param>
/// <param name="handed">Told before code is handed out; it waits for this.</param>
/// <param name="tails">Takes events.</param>
/// <param name="bindings">By kind.</param>
/// <param name="logger">For failures.</param>
internal sealed partial class HostRequests(
    Func<WorkerKey, CancellationToken, Task<CodePackage>> load, Func<CodePackage, CancellationToken, Task> handed, ITailSink tails, IReadOnlyDictionary<string, IBindingService> bindings, ILogger logger)
{
    private const int MostTail = 4 << 20;
    private const string Tail = "+tail";

    public Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (path.StartsWith("/code/", StringComparison.Ordinal)) return CodeAsync(context, path["/code/".Length..]);
        if (path.StartsWith("/tail/", StringComparison.Ordinal)) return TailAsync(context, path["/tail/".Length..]);
        if (path.StartsWith("/b/", StringComparison.Ordinal)) return BindingAsync(context);
        return Say(context, StatusCodes.Status404NotFound, "There is no such call.");
    }

    private async Task CodeAsync(HttpContext context, string name)
    {
        var watched = name.EndsWith(Tail, StringComparison.Ordinal);
        if (!WorkerKey.TryParse(watched ? name[..^Tail.Length] : name, out var key))
        {
            await Say(context, StatusCodes.Status404NotFound, "There is no such version.");
            return;
        }
        try
        {
            var package = await load(key, context.RequestAborted);
            // Limits are set before the code arrives, so that they hold from its first step.
            await handed(package, context.RequestAborted);
            var bytes = watched ? package.Watched.Value : package.Plain;
            context.Response.ContentLength = bytes.Length;
            await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
        }
        catch (ProblemException refused)
        {
            await Say(context, refused.Problem.Kind is ProblemKind.NotFound ? StatusCodes.Status404NotFound : StatusCodes.Status503ServiceUnavailable, refused.Problem.Detail);
        }
    }

    private async Task TailAsync(HttpContext context, string name)
    {
        if (!WorkerKey.TryParse(name, out var key)) return;
        var bytes = new MemoryStream();
        var part = new byte[16 << 10];
        while (await context.Request.Body.ReadAsync(part, context.RequestAborted) is var read and > 0)
        {
            if (bytes.Length + read > MostTail) return;
            bytes.Write(part.AsSpan(0, read));
        }
        tails.Publish(key.Serial, key.Version, bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }

    private async Task BindingAsync(HttpContext context)
    {
        // The encoded path: a key of a worker's own may hold any character.
        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget["/b/".Length..];
        var query = raw.IndexOf('?') is var mark and >= 0 ? raw[mark..] : "";
        var parts = (query.Length > 0 ? raw[..^query.Length] : raw).Split('/', 2);
        if (!WorkerKey.TryParse(Name(context.Request.Headers["x-quarterdeck-worker"]), out var key) || !bindings.TryGetValue(parts[0], out var service))
        {
            await Say(context, StatusCodes.Status404NotFound, $"There is no binding of the kind '{parts[0]}'.");
            return;
        }
        BindingReply reply;
        try
        {
            var call = new BindingCall(key, context.Request.Method, parts.Length > 1 ? parts[1] : "", query,
                name => context.Request.Headers.TryGetValue(name, out var value) ? value.ToString() : null, context.Request.Body);
            reply = await service.HandleAsync(call, context.RequestAborted);
        }
        catch (ProblemException refused) { reply = BindingReply.Of(refused.Problem.Detail, StatusCodes.Status503ServiceUnavailable); }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.BindingFailed(logger, key, parts[0], e);
            reply = BindingReply.Of("The binding failed.", StatusCodes.Status500InternalServerError);
        }
        context.Response.StatusCode = reply.Status;
        foreach (var (name, value) in reply.Headers) context.Response.Headers[name] = value;
        if (reply.Body is not { } body) return;
        await using (body) await body.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    private static string? Name(string? key) => key is not null && key.EndsWith(Tail, StringComparison.Ordinal) ? key[..^Tail.Length] : key;

    private static Task Say(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The binding '{Kind}' failed for {Key}.")]
        public static partial void BindingFailed(ILogger logger, WorkerKey key, string kind, Exception error);
    }
}
