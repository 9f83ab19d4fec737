using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Quarterdeck.Tests.Web.Plugins.Ui;

/// <summary>One console and one guest for the tests of the proxy; what the guest does is in the path.</summary>
public sealed class ProxyStage : IAsyncLifetime
{
    private long _sent;

    internal PluginUiStage Stage { get; private set; } = null!;

    /// <summary>A ticket's address, such as <c>/plugin-ui/…</c>.</summary>
    public string Prefix { get; private set; } = "";

    /// <summary>Bytes that <c>/endless</c> has written.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Released for each piece of an upload that arrived at <c>/upload</c>.</summary>
    public SemaphoreSlim Arrived { get; } = new(0);

    /// <summary>Lets <c>/broken</c> break off.</summary>
    public SemaphoreSlim Break { get; } = new(0);

    public async Task InitializeAsync()
    {
        Stage = await PluginUiStage.StartAsync(GuestAsync);
        Prefix = await Stage.TicketAsync();
    }

    public Task DisposeAsync() => Stage.DisposeAsync().AsTask();

    private async Task GuestAsync(HttpContext http)
    {
        var (request, response) = (http.Request, http.Response);
        switch (request.Path.Value)
        {
            case "/socket":
                using (var socket = await http.WebSockets.AcceptWebSocketAsync(request.Headers.SecWebSocketProtocol == "echo" ? "echo" : null)) await EchoAsync(socket, http.RequestAborted);
                break;
            case "/headers":
                foreach (var header in JsonSerializer.Deserialize<Dictionary<string, string>>(request.Query["set"].ToString())!) response.Headers[header.Key] = header.Value;
                await response.WriteAsync("ok");
                break;
            case "/redirect":
                response.StatusCode = 302;
                response.Headers.Location = request.Query["to"].ToString();
                break;
            case "/status":
                response.StatusCode = int.Parse(request.Query["code"].ToString());
                break;
            case "/events":
                response.ContentType = "text/event-stream";
                await response.WriteAsync("data: first\n\n");
                await response.Body.FlushAsync();
                await Task.Delay(Timeout.Infinite, http.RequestAborted);
                break;
            case "/upload":
                await UploadAsync(request, response);
                break;
            case "/endless":
                var piece = new byte[64 << 10];
                while (!http.RequestAborted.IsCancellationRequested)
                {
                    await response.Body.WriteAsync(piece, http.RequestAborted);
                    Interlocked.Add(ref _sent, piece.Length);
                }
                break;
            case "/broken":
                response.ContentLength = 100;
                await response.WriteAsync("half");
                await response.Body.FlushAsync();
                await Break.WaitAsync(http.RequestAborted);
                http.Abort();
                break;
            case "/nothing":
                http.Abort();
                break;
            default:
                await response.WriteAsJsonAsync(new
                {
                    method = request.Method, target = http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget,
                    headers = request.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.ToString()), body = await new StreamReader(request.Body).ReadToEndAsync(),
                });
                break;
        }
    }

    private async Task UploadAsync(HttpRequest request, HttpResponse response)
    {
        var buffer = new byte[64 << 10];
        long all = 0;
        for (int count; (count = await request.Body.ReadAsync(buffer)) > 0; all += count) Arrived.Release();
        await response.WriteAsync(all.ToString());
    }

    private static async Task EchoAsync(WebSocket socket, CancellationToken ended)
    {
        var buffer = new byte[128 << 10];
        while (true)
        {
            var got = await socket.ReceiveAsync(buffer, ended);
            if (got.MessageType is WebSocketMessageType.Close)
            {
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", ended);
                return;
            }
            await socket.SendAsync(buffer.AsMemory(0, got.Count), got.MessageType, got.EndOfMessage, ended);
        }
    }
}
