using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Quarterdeck.Tests.Hosts;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Web.Plugins.Ui;

/// <summary>What passes between a browser and a plug-in's guest, and what does not.</summary>
[Collection(Alone.Name)]
public sealed class ProxyTests(ProxyStage proxy) : IClassFixture<ProxyStage>
{
    private readonly HttpClient _browser = proxy.Stage.Browser();

    private string At(string path) => proxy.Prefix + path;

    private async Task<JsonElement> EchoAsync(HttpRequestMessage request) => await (await _browser.SendAsync(request)).Content.ReadFromJsonAsync<JsonElement>();

    [Fact]
    public async Task The_guest_sees_the_request_and_who_looks_but_no_secret_of_the_user()
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, At("/a%2Fb/c?q=%C3%A9&x=1")) { Content = new StringContent("body") };
        foreach (var (name, value) in new[] { ("Cookie", "qd-session=1"), ("Authorization", "Bearer 1"), ("Origin", "null"), ("Referer", "http://x/"), ("X-Forwarded-Prefix", "/evil"), ("X-Quarterdeck-Role", "nobody"), ("X-Own", "kept"), ("Connection", "X-Hop"), ("X-Hop", "1"), ("Sec-Fetch-Site", "cross-site") })
            request.Headers.TryAddWithoutValidation(name, value);
        var seen = await EchoAsync(request);
        (seen.GetProperty("method").GetString(), seen.GetProperty("target").GetString(), seen.GetProperty("body").GetString()).ShouldBe(("PUT", "/a%2Fb/c?q=%C3%A9&x=1", "body"));
        var headers = seen.GetProperty("headers");
        foreach (var gone in new[] { "cookie", "authorization", "referer", "x-hop", "sec-fetch-site" }) headers.TryGetProperty(gone, out _).ShouldBeFalse(gone);
        foreach (var (name, value) in new[] { ("x-own", "kept"), ("host", "localhost:8080"), ("origin", "http://localhost:8080"), ("x-forwarded-prefix", proxy.Prefix), ("x-forwarded-proto", "http"), ("x-quarterdeck-user", "admin"), ("x-quarterdeck-role", "administrator") })
            headers.GetProperty(name).GetString().ShouldBe(value);
    }

    [Theory]
    [InlineData("GET"), InlineData("POST"), InlineData("DELETE"), InlineData("PATCH"), InlineData("OPTIONS"), InlineData("PROPFIND")]
    public async Task Every_method_passes(string method) => (await EchoAsync(new HttpRequestMessage(new HttpMethod(method), At("/")))).GetProperty("method").GetString().ShouldBe(method);

    [Fact]
    public async Task What_the_guest_may_not_say_in_the_consoles_name_is_left_out()
    {
        string[] banned = ["Set-Cookie", "WWW-Authenticate", "Clear-Site-Data", "Service-Worker-Allowed", "Refresh", "Strict-Transport-Security", "Alt-Svc", "Access-Control-Allow-Credentials", "Cross-Origin-Embedder-Policy", "NEL", "Report-To", "Speculation-Rules"];
        var set = banned.ToDictionary(b => b, _ => "x");
        set["X-Own"] = "kept";
        set["Content-Security-Policy"] = "frame-ancestors *";
        set["Access-Control-Allow-Origin"] = "*";
        set["Link"] = "<https://evil.example/x.js>; rel=preload; as=script";
        var answer = await _browser.GetAsync(At("/headers?set=" + Uri.EscapeDataString(JsonSerializer.Serialize(set))));
        foreach (var name in banned.Append("Link")) answer.Headers.Contains(name).ShouldBeFalse(name);
        answer.Headers.GetValues("X-Own").ShouldBe(["kept"]);
        var policy = string.Join('|', answer.Headers.GetValues("Content-Security-Policy"));
        policy.ShouldStartWith("sandbox allow-scripts allow-forms allow-downloads;");
        policy.ShouldContain("frame-ancestors 'self'");
        policy.ShouldNotContain('*');
        foreach (var (name, value) in new[] { ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("X-Frame-Options", "SAMEORIGIN"), ("Access-Control-Allow-Origin", "null") }) answer.Headers.GetValues(name).ShouldBe([value]);
    }

    [Theory]
    [InlineData("there", "/there"), InlineData("/login?next=%2F#top", "/login?next=%2F#top"), InlineData("http://localhost:8080/abs", "/abs"), InlineData("//localhost:8080/abs", "/abs"), InlineData("../../up", "/up"), InlineData("PREFIX/known", "/known")]
    public async Task A_redirect_inside_stays_inside(string to, string path)
    {
        var answer = await _browser.GetAsync(At("/redirect?to=" + Uri.EscapeDataString(to.Replace("PREFIX", proxy.Prefix, StringComparison.Ordinal))));
        (answer.StatusCode, answer.Headers.Location?.OriginalString).ShouldBe((HttpStatusCode.Redirect, proxy.Prefix + path));
    }

    [Theory]
    [InlineData("http://169.254.169.254/latest/meta-data/"), InlineData("https://evil.example/"), InlineData("//evil.example/"), InlineData("http://localhost:22/"), InlineData("javascript:alert(1)"), InlineData("http://user@localhost:8080/"), InlineData("\\\\evil.example\\x"), InlineData("http://127.0.0.1:8080/"), InlineData("CONSOLE/users")]
    public async Task A_redirect_out_is_refused_in_words(string to)
    {
        var answer = await _browser.GetAsync(At("/redirect?to=" + Uri.EscapeDataString(to.Replace("CONSOLE", proxy.Stage.Console.Url.ToString(), StringComparison.Ordinal))));
        (answer.StatusCode, answer.Headers.Location).ShouldBe((HttpStatusCode.BadGateway, null));
        (await answer.Content.ReadAsStringAsync()).ShouldContain("lead you away");
    }

    [Theory]
    [InlineData(204), InlineData(205), InlineData(304), InlineData(404), InlineData(418), InlineData(500)]
    public async Task A_status_passes(int code) => ((int)(await _browser.GetAsync(At($"/status?code={code}"))).StatusCode).ShouldBe(code);

    [Fact]
    public async Task Events_arrive_while_the_stream_is_open()
    {
        using var answer = await _browser.GetAsync(At("/events"), HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        (await reader.ReadLineAsync()).ShouldBe("data: first");
    }

    [Fact]
    public async Task An_upload_reaches_the_guest_while_it_is_sent_and_may_be_larger_than_the_consoles_own_limit()
    {
        const int Pieces = 640;
        using var body = new Pieces(Pieces, proxy.Arrived);
        using var answer = await _browser.PostAsync(At("/upload"), body);
        (await answer.Content.ReadAsStringAsync()).ShouldBe((Pieces * 65536L).ToString());
    }

    [Fact]
    public async Task An_endless_answer_waits_for_a_slow_reader_instead_of_filling_memory()
    {
        using var answer = await _browser.GetAsync(At("/endless"), HttpCompletionOption.ResponseHeadersRead);
        await using var body = await answer.Content.ReadAsStreamAsync();
        long before = -1;
        while (before != proxy.Sent) // until the guest is held up
        {
            before = proxy.Sent;
            await Task.Delay(400);
        }
        before.ShouldBeInRange(1, 64 << 20); // what sockets hold
        var buffer = new byte[1 << 20];
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        for (long read = 0; read < 512 << 20;) read += await body.ReadAsync(buffer);
        (GC.GetTotalMemory(forceFullCollection: true) - heap).ShouldBeLessThan(48 << 20);
    }

    [Fact]
    public async Task An_answer_that_breaks_off_is_not_taken_for_whole()
    {
        using var answer = await _browser.GetAsync(At("/broken"), HttpCompletionOption.ResponseHeadersRead);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        proxy.Break.Release();
        await Should.ThrowAsync<Exception>(() => answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_guest_that_hangs_up_is_reported_in_words_as_a_page_for_people()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, At("/nothing"));
        request.Headers.Accept.ParseAdd("text/html");
        var answer = await _browser.SendAsync(request);
        answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await answer.Content.ReadAsStringAsync()).ShouldContain("Nothing answers on port 8080");
        answer.Headers.GetValues("Content-Security-Policy").Single().ShouldStartWith("sandbox");
    }

    [Fact]
    public async Task A_WebSocket_passes_both_ways_with_its_protocol_and_large_messages()
    {
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("echo");
        socket.Options.SetRequestHeader("Origin", "null");
        await socket.ConnectAsync(new UriBuilder(new Uri(proxy.Stage.Console.Url, At("/socket"))) { Scheme = "ws" }.Uri, default);
        socket.SubProtocol.ShouldBe("echo");
        var sent = Encoding.UTF8.GetBytes(new string('x', 100_000));
        await socket.SendAsync(sent, WebSocketMessageType.Text, true, default);
        var (got, buffer) = (0, new byte[200_000]);
        for (var end = false; !end;)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(got), default);
            (got, end) = (got + part.Count, part.EndOfMessage);
        }
        buffer.AsSpan(0, got).SequenceEqual(sent).ShouldBeTrue();
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
        socket.CloseStatusDescription.ShouldBe("bye");
    }

    [Fact]
    public async Task A_page_of_another_site_and_a_service_worker_get_nothing()
    {
        foreach (var (name, value) in new[] { ("Origin", "https://evil.example"), ("Service-Worker", "script") })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, At("/"));
            request.Headers.TryAddWithoutValidation(name, value);
            (await _browser.SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.Forbidden, name);
        }
    }

    [Fact]
    public async Task A_page_without_an_origin_may_send_what_it_likes_to_its_own_guest()
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, At("/api"));
        foreach (var (name, value) in new[] { ("Origin", "null"), ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "content-type,x-own") }) request.Headers.TryAddWithoutValidation(name, value);
        var answer = await _browser.SendAsync(request);
        (answer.StatusCode, answer.Headers.GetValues("Access-Control-Allow-Methods").Single(), answer.Headers.GetValues("Access-Control-Allow-Headers").Single()).ShouldBe((HttpStatusCode.NoContent, "PUT", "content-type,x-own"));
        answer.Headers.Contains("Access-Control-Allow-Credentials").ShouldBeFalse();
    }

    [Theory]
    [InlineData("/plugin-ui/"), InlineData("/plugin-ui/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/"), InlineData("/plugin-ui/PREFIX'OR/"), InlineData("/plugin-ui/%2e%2e/api/v1/plugins"), InlineData("/x/../plugin-ui/a/")]
    public async Task Without_a_valid_ticket_there_is_nothing(string path)
    {
        var answer = await _browser.GetAsync(path);
        answer.StatusCode.ShouldNotBe(HttpStatusCode.OK);
        answer.Headers.GetValues("Content-Security-Policy").Single().ShouldNotBeEmpty();
    }

    private sealed class Pieces(int count, SemaphoreSlim arrived) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var piece = new byte[65536];
            for (var i = 0; i < count; i++)
            {
                await stream.WriteAsync(piece);
                await stream.FlushAsync();
                if (i == 0) (await arrived.WaitAsync(TimeSpan.FromSeconds(60))).ShouldBeTrue("the guest has the first piece before the second is sent");
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
