using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Quarterdeck.Workers.Front.Tls;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>TLS with a certificate for each zone, HTTP/2, and web sockets over both.</summary>
public sealed class TlsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>A client that connects to the front whatever the name is, and keeps what certificate it was shown.</summary>
    private static SocketsHttpHandler Handler(FrontRig rig, List<string>? shown = null) => new()
    {
        UseCookies = false,
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, rig.Https.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
        SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            {
                shown?.AddRange(CertificatePair.NamesOf((X509Certificate2)certificate!));
                return true;
            },
        },
    };

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_zone_answers_over_TLS_with_a_certificate_of_its_name(string version)
    {
        await using var rig = await FrontRig.OpenAsync();
        var shown = new List<string>();
        using var client = new HttpClient(Handler(rig, shown));
        for (var i = 0; i < 3; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"https://{FrontRig.Host}/a?b") { Version = Version.Parse(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new StringContent("body") };
            rig.Server.Answer = async r =>
            {
                Assert.Equal("body", Encoding.ASCII.GetString(await r.BodyAsync(4)));
                await r.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n2\r\nok\r\n0\r\n\r\n");
                return true;
            };
            using var answer = await client.SendAsync(request).WaitAsync(Limit);
            Assert.Equal(("ok", version), (await answer.Content.ReadAsStringAsync(), answer.Version.ToString()));
        }
        Assert.Equal([FrontRig.Host], shown.Distinct());
        var seen = rig.Server.Requests.First();
        Assert.Equal(("POST /a?b HTTP/1.1", FrontRig.Host, "https"), (seen.Line, seen.Header("host"), seen.Header("x-forwarded-proto")));
    }

    [Fact]
    public async Task Names_that_are_no_zone_share_a_certificate_that_tells_nothing()
    {
        await using var rig = await FrontRig.OpenAsync();
        var shown = new List<string>();
        using var client = new HttpClient(Handler(rig, shown));
        using var answer = await client.GetAsync("https://unknown.test/").WaitAsync(Limit);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal(["quarterdeck.invalid"], shown);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_web_socket_passes_both_ways_over_HTTP_1_and_2(bool http2)
    {
        await using var rig = await FrontRig.OpenAsync();
        rig.Server.Answer = async request =>
        {
            var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(request.Header("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
            await request.SendAsync($"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
            using var socket = WebSocket.CreateFromStream(request.Stream, new WebSocketCreationOptions { IsServer = true, SubProtocol = "chat" });
            var piece = new byte[1000];
            while (await socket.ReceiveAsync(piece.AsMemory(), default) is { MessageType: not WebSocketMessageType.Close } got) await socket.SendAsync(piece.AsMemory(0, got.Count), got.MessageType, got.EndOfMessage, default);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default);
            return false;
        };
        using var client = new ClientWebSocket();
        client.Options.AddSubProtocol("chat");
        if (http2) (client.Options.HttpVersion, client.Options.HttpVersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
        using var invoker = new HttpMessageInvoker(Handler(rig));
        await client.ConnectAsync(new Uri($"wss://{FrontRig.Host}/chat"), invoker, default).WaitAsync(Limit);
        Assert.Equal("chat", client.SubProtocol);
        var buffer = new byte[1000];
        for (var i = 0; i < 5; i++)
        {
            await client.SendAsync(Encoding.UTF8.GetBytes($"message {i}"), WebSocketMessageType.Text, true, default);
            var got = await client.ReceiveAsync(buffer, default).WaitAsync(Limit);
            Assert.Equal($"message {i}", Encoding.UTF8.GetString(buffer, 0, got.Count));
        }
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default).WaitAsync(Limit);
        Assert.Equal("GET /chat HTTP/1.1", rig.Server.Requests.Single().Line);
    }

    [Fact]
    public async Task A_web_socket_outlives_the_wall_time_and_ends_with_its_compute_server()
    {
        await using var rig = await FrontRig.OpenAsync(w => w with { Versions = [FrontRig.Version(1, 1, 100, Quarterdeck.Workers.WorkerLimits.Usual with { WallMs = 100 })] });
        rig.Server.Answer = async request =>
        {
            var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(request.Header("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
            await request.SendAsync($"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
            await Task.Delay(400);
            await request.SendAsync("\u0081\u0002hi");
            await Task.Delay(Timeout.Infinite);
            return false;
        };
        using var invoker = new HttpMessageInvoker(Handler(rig));
        using var client = await OpenedAsync(invoker);
        var buffer = new byte[10];
        Assert.Equal(2, (await client.ReceiveAsync(buffer, default).WaitAsync(Limit)).Count);
        rig.Server.Kill();
        await Assert.ThrowsAnyAsync<WebSocketException>(() => client.ReceiveAsync(buffer, default).WaitAsync(Limit));
    }

    /// <summary>A busy machine may use the short wall time up before the switch; then it is tried again.</summary>
    private static async Task<ClientWebSocket> OpenedAsync(HttpMessageInvoker invoker)
    {
        for (var until = DateTime.UtcNow + Limit; ;)
        {
            var client = new ClientWebSocket();
            try
            {
                await client.ConnectAsync(new Uri($"wss://{FrontRig.Host}/"), invoker, default).WaitAsync(Limit);
                return client;
            }
            catch (WebSocketException) when (DateTime.UtcNow < until) { client.Dispose(); }
        }
    }

    [Fact]
    public void A_certificate_is_refused_when_it_fits_neither_its_key_nor_the_zone()
    {
        var now = DateTimeOffset.UtcNow;
        var (ours, other) = (SelfSigned.Make("*.shop.test", now).Value, SelfSigned.Make("shop.test", now).Value);
        Assert.True(CertificatePair.Read("a.shop.test", ours.Chain, ours.Key, now).Ok);
        Assert.True(CertificatePair.Read("*.shop.test", ours.Chain, ours.Key, now).Ok);
        Assert.True(CertificatePair.Read("shop.test", other.Chain + ours.Chain, other.Key, now).Ok);
        foreach (var (host, chain, key, field) in new[]
        {
            ("shop.test", ours.Chain, ours.Key, "certificate"), ("a.b.shop.test", ours.Chain, ours.Key, "certificate"), ("a.shop.test", ours.Chain, other.Key, "privateKey"), ("a.shop.test", "no pem", ours.Key, "certificate"),
            ("a.shop.test", ours.Chain, "no pem", "privateKey"), ("a.shop.test", null, ours.Key, "certificate"), ("a.shop.test", ours.Chain, null, "privateKey"),
        })
            Assert.Equal(field, CertificatePair.Read(host, chain, key, now).Problem!.Errors.Single().Field);
        Assert.Contains("expired", CertificatePair.Read("a.shop.test", ours.Chain, ours.Key, now.AddYears(2)).Problem!.Detail, StringComparison.Ordinal);
    }
}
