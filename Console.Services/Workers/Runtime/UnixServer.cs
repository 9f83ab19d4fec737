using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Quarterdeck.Workers.Runtime;

/// <summary>A bare HTTP server on a unix socket, without routing or middleware: what compute servers ask of the console.</summary>
internal sealed partial class UnixServer : IAsyncDisposable
{
    private readonly KestrelServer _server;
    private readonly string _path;

    private UnixServer(KestrelServer server, string path) => (_server, _path) = (server, path);

    /// <summary>Listens until disposed. The socket is open to every user who can reach its folder.</summary>
    public static async Task<UnixServer> StartAsync(string path, RequestDelegate answer, ILoggerFactory loggers)
    {
        File.Delete(path);
        var options = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false };
        options.Limits.MaxRequestBodySize = null;
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;
        options.Limits.MaxRequestHeadersTotalSize = 256 << 10;
        options.Limits.MaxRequestHeaderCount = 500;
        options.Limits.MaxRequestLineSize = 64 << 10;
        options.ListenUnixSocket(path, listen => listen.Protocols = HttpProtocols.Http1);
        var server = new KestrelServer(Options.Create(options), new SocketTransportFactory(Options.Create(new SocketTransportOptions { UnsafePreferInlineScheduling = true, WaitForDataBeforeAllocatingBuffer = false }), loggers), loggers);
        await server.StartAsync(new Application(answer, loggers.CreateLogger<UnixServer>()), CancellationToken.None);
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        return new UnixServer(server, path);
    }

    public async ValueTask DisposeAsync()
    {
        // What is under way belongs to a process that has ended.
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        try { await _server.StopAsync(now.Token); }
        catch (OperationCanceledException) { }
        _server.Dispose();
        File.Delete(_path);
    }

    private sealed class Application(RequestDelegate answer, ILogger logger) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public async Task ProcessRequestAsync(HttpContext context)
        {
            try { await answer(context); }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
                context.Abort();
            }
            catch (Exception e)
            {
                Log.Failed(logger, context.Request.Path.Value, e);
                if (context.Response.HasStarted) context.Abort();
                else context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            }
        }

        public void DisposeContext(HttpContext context, Exception? exception) { }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "A compute server's request for {Path} failed.")]
        public static partial void Failed(ILogger logger, string? path, Exception error);
    }
}
