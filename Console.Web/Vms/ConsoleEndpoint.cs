using System.Net.WebSockets;
using Quarterdeck.Access;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Vms;

/// <summary>The WebSocket behind the console page: <c>/vms/{id}/console</c>, for the login cookie only.</summary>
/// <remarks>
/// Refusals for reasons that a page must show arrive as close codes, because a browser hides the status of a failed upgrade:
/// 4000 + (HTTP status − 400) for those that trying again cannot help, 4100 and more for those that it may.
/// </remarks>
internal static partial class ConsoleEndpoint
{
    /// <summary>The sub-protocol noVNC names.</summary>
    public const string Protocol = "binary";

    /// <summary>Maps the WebSocket; a browser that opens the address is led to the page.</summary>
    public static void MapVmConsole(this IEndpointRouteBuilder pages) =>
        pages.MapGet("/vms/{id:guid}/console", HandleAsync)
            .RequireAuthorization(AccessPolicies.Page).Needs(HostsPermissions.ConsoleVms).ExcludeFromDescription();

    /// <summary>The close code that tells the page what a refusal means.</summary>
    public static WebSocketCloseStatus CloseCode(ProblemKind kind) => (WebSocketCloseStatus)(kind switch
    {
        ProblemKind.Unavailable => 4103,
        ProblemKind.NotFound => 4004,
        ProblemKind.Forbidden => 4003,
        _ => 4009,
    });

    private static async Task HandleAsync(
        Guid id, HttpContext context, VirtualMachines machines, AuditLog audit, IHostApplicationLifetime life, ILoggerFactory logs, CancellationToken cancellation)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.Redirect($"{context.Request.PathBase}/vms/{id}?tab=console");
            return;
        }
        if (!RequestOrigin.IsOwn(context.Request.Headers.Origin.ToString(), context.Request.Host))
        {
            // the pipeline refuses other sites; here a request without any Origin is refused, too: no browser sends one
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }
        var caller = CallerAccessor.FromHttp(context);
        var opened = await machines.OpenConsoleAsync(caller, id, cancellation);
        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            SubProtocol = context.WebSockets.WebSocketRequestedProtocols.Contains(Protocol) ? Protocol : null,
            KeepAliveInterval = TimeSpan.FromSeconds(15),
            KeepAliveTimeout = TimeSpan.FromSeconds(20),
        });
        if (!opened.TryGet(out var screen, out var problem))
        {
            await ScreenPump.CloseAsync(socket, CloseCode(problem.Kind), problem.Detail);
            return;
        }
        var logger = logs.CreateLogger(typeof(ConsoleEndpoint));
        await using var hangUp = screen;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, life.ApplicationStopping);
        var name = (await machines.GetAsync(caller, id, cancellation)).TryGet(out var vm, out _) ? vm.Name : null;
        await audit.WriteAsync(caller, "vm.console", $"vm:{id}", name, before: null, after: new { opened = true }, cancellation);
        Log.Opened(logger, id, caller.Name);
        await ScreenPump.RunAsync(socket, screen, end.Token);
        Log.Closed(logger, id, caller.Name);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Console of VM {Vm} opened by {User}")]
        public static partial void Opened(ILogger logger, Guid vm, string user);

        [LoggerMessage(Level = LogLevel.Information, Message = "Console of VM {Vm} closed by {User}")]
        public static partial void Closed(ILogger logger, Guid vm, string user);
    }
}
