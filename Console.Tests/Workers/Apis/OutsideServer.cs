using System.IO.Compression;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Quarterdeck.Tests.Workers.Apis;

/// <summary>The world outside, as far as workers call it.</summary>
internal sealed class OutsideServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OutsideServer(WebApplication app) => _app = app;

    /// <summary>Its address, without a slash at the end.</summary>
    public string Url => _app.Urls.Single();

    public static async Task<OutsideServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.UseWebSockets();
        app.Map("/echo", async context =>
        {
            context.Response.Headers["x-one-seen"] = context.Request.Headers["x-one"];
            await context.Response.WriteAsync($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString} {await new StreamReader(context.Request.Body).ReadToEndAsync()}");
        });
        app.Map("/redirect", context => { context.Response.Redirect("/echo"); return Task.CompletedTask; });
        app.Map("/slow", async context =>
        {
            try { await Task.Delay(Timeout.Infinite, context.RequestAborted); }
            catch (OperationCanceledException) { /* it was given up, as it is meant to be */ }
        });
        app.Map("/gzip", async context =>
        {
            context.Response.Headers.ContentEncoding = "gzip";
            await using var small = new GZipStream(context.Response.Body, CompressionLevel.Fastest);
            await small.WriteAsync("squeezed"u8.ToArray());
        });
        app.Map("/parts", async context =>
        {
            await context.Response.WriteAsync("first ");
            await context.Response.Body.FlushAsync();
            await context.Response.WriteAsync("second");
        });
        app.Map("/events", async context =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: hello\n\nevent: named\ndata: there\n\n");
        });
        app.Map("/socket", EchoAsync);
        await app.StartAsync();
        return new OutsideServer(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var part = new byte[1000];
        while (await socket.ReceiveAsync(part, context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } got)
            await socket.SendAsync(new[] { "echo "u8.ToArray(), part[..got.Count] }.SelectMany(b => b).ToArray(), got.MessageType, true, context.RequestAborted);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }
}
