using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;

namespace Quarterdeck.Tests.Web.Plugins.Ui;

/// <summary>A console with TLS speaks HTTP/2 with browsers, which open WebSockets in another way there.</summary>
public sealed class EncryptedProxyTests
{
    [Fact]
    public async Task A_WebSocket_over_HTTP_2_reaches_a_guest_that_speaks_HTTP_1()
    {
        await using var stage = await PluginUiStage.StartAsync(
            async http =>
            {
                if (!http.WebSockets.IsWebSocketRequest)
                {
                    await http.Response.WriteAsync(http.Request.Protocol + " " + http.Request.Headers["X-Forwarded-Proto"]);
                    return;
                }
                using var socket = await http.WebSockets.AcceptWebSocketAsync();
                var buffer = new byte[100];
                var got = await socket.ReceiveAsync(buffer, http.RequestAborted);
                await socket.SendAsync(buffer.AsMemory(0, got.Count), got.MessageType, true, http.RequestAborted);
                await socket.ReceiveAsync(buffer, http.RequestAborted);
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "bye", http.RequestAborted);
            },
            settings: new Dictionary<string, string> { ["QUARTERDECK_URLS"] = "https://127.0.0.1:0;http://127.0.0.1:0" });
        var console = new Uri(stage.Service<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First(a => a.StartsWith("https:", StringComparison.Ordinal)));
        var prefix = await stage.TicketAsync();
        using var client = new HttpClient(new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true } })
        {
            BaseAddress = console, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        (await client.GetStringAsync(prefix + "/")).ShouldBe("HTTP/1.1 https");

        using var socket = new ClientWebSocket();
        (socket.Options.HttpVersion, socket.Options.HttpVersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
        await socket.ConnectAsync(new UriBuilder(new Uri(console, prefix + "/socket")) { Scheme = "wss" }.Uri, client, default);
        await socket.SendAsync(Encoding.ASCII.GetBytes("ahoy"), WebSocketMessageType.Text, true, default);
        var buffer = new byte[100];
        var got = await socket.ReceiveAsync(buffer, default);
        Encoding.ASCII.GetString(buffer, 0, got.Count).ShouldBe("ahoy");
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
        socket.CloseStatusDescription.ShouldBe("bye");
    }
}
