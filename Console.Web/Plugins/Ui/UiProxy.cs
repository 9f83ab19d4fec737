using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Quarterdeck.Plugins;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>The branch <c>/plugin-ui/{ticket}/…</c>: who comes with a valid ticket talks to the plug-in's guest, and to nothing else.</summary>
internal sealed partial class UiProxy(UiVisits visits, UiForwarder forwarder, BridgeScript bridge, IHostApplicationLifetime life, ILogger<UiProxy> logger)
{
    /// <summary>Answers a request of the branch.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        var request = context.Request;
        if (UiAddress.Of(context) is not { } address)
        {
            UiHeaders.Harden(context, UiAddress.Root);
            await UiFailure.Ended.WriteAsync(context);
            return;
        }
        UiHeaders.Harden(context, address.Prefix);
        if (request.Headers.ContainsKey("Service-Worker") || request.Headers["Sec-Fetch-Dest"] == "serviceworker")
            await new UiFailure(StatusCodes.Status403Forbidden, "No service workers", "A plug-in's page cannot install one.").WriteAsync(context);
        else if (!UiHeaders.IsFromHere(request))
            await new UiFailure(StatusCodes.Status403Forbidden, "From another site", "This request came from a page of another site.").WriteAsync(context);
        else if (address.Target.Length == 0) // relative addresses need the slash
            context.Response.Redirect(address.Prefix + "/");
        else
            await AdmitAsync(context, address);
    }

    private async Task AdmitAsync(HttpContext context, UiAddress address)
    {
        Pass? pass;
        try { pass = await visits.EnterAsync(address.Ticket, context.RequestAborted); }
        catch (OperationCanceledException) { return; }
        catch (Exception e)
        {
            Log.CannotAsk(logger, e);
            await new UiFailure(StatusCodes.Status503ServiceUnavailable, "The console cannot ask who you are", "Its database does not answer. Try again in a moment.").WriteAsync(context);
            return;
        }
        if (pass is null)
        {
            await UiFailure.Ended.WriteAsync(context);
            return;
        }
        using (pass)
        {
            if (pass.Crowded) await UiFailure.Crowded.WriteAsync(context);
            else if (IsPreflight(context.Request)) AllowAll(context);
            else if (address.Path is "/" + BridgeScript.Name) await bridge.WriteAsync(context);
            else await ForwardAsync(context, address, pass);
        }
    }

    private async Task ForwardAsync(HttpContext context, UiAddress address, Pass pass)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, pass.Ended, life.ApplicationStopping);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null; // it is streamed: the guest decides
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null; // a page may send now and then; silence has its own limit
        try { await forwarder.ForwardAsync(context, address, pass.Visit, ended.Token); }
        catch (OperationCanceledException) when (ended.IsCancellationRequested) { context.Abort(); }
        catch (Exception e) when (e is HttpRequestException or UiRefusedException or TimeoutException or IOException)
        {
            var (plugin, ui) = (pass.Visit.Plugin, pass.Visit.Plugin.Ui!);
            var failure = UiFailure.Of(e, plugin.Name, ui.Port);
            Log.Failed(logger, plugin.Name, plugin.Id, failure.Title, failure.Detail);
            await failure.WriteAsync(context);
        }
    }

    /// <summary>A page without an origin asks before each request that is not simple; what it may do is decided by its ticket.</summary>
    private static bool IsPreflight(HttpRequest request) => HttpMethods.IsOptions(request.Method) && request.Headers.ContainsKey("Origin") && request.Headers.ContainsKey("Access-Control-Request-Method");

    private static void AllowAll(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        context.Response.Headers.AccessControlAllowMethods = context.Request.Headers.AccessControlRequestMethod;
        context.Response.Headers.AccessControlAllowHeaders = context.Request.Headers.AccessControlRequestHeaders;
        context.Response.Headers.AccessControlMaxAge = "600";
    }

    // Never the address: the ticket is in it.
    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "A page of the plug-in {Name} ({Plugin}) was not shown: {Title}. {Detail}")]
        public static partial void Failed(ILogger logger, string name, Guid plugin, string title, string detail);

        [LoggerMessage(Level = LogLevel.Warning, Message = "A ticket to a plug-in's pages could not be looked up")]
        public static partial void CannotAsk(ILogger logger, Exception error);
    }
}
