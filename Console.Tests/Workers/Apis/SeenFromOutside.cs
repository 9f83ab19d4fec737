using System.IO.Compression;
using System.Net;
using System.Net.WebSockets;
using System.Text;

namespace Quarterdeck.Tests.Workers.Apis;

/// <summary>Checks that only a visitor can make: what arrives at the worker, and what comes back as it was meant.</summary>
internal static class SeenFromOutside
{
    private const string Fetch = "Requests from visitors", FetchPage = "runtime-apis/handlers/fetch/", Sockets = "WebSockets of visitors", SocketsPage = "runtime-apis/websockets/", Context = "Context", ContextPage = "runtime-apis/context/";

    public static IReadOnlyList<ApiCheck> All { get; } =
    [
        new(Fetch, FetchPage, "method, URL, headers and body arrive", """["POST","/seen/request?a=%20b","apis.test","1","sent"]""", RequestAsync),
        new(Fetch, FetchPage, "CF-Connecting-IP, X-Forwarded-Proto, Host", """["127.0.0.1","http","apis.test"]""", rig => rig.TextAsync("/seen/visitor")),
        new(Fetch, FetchPage, "request.cf", """["HTTP/1.1",null]""", rig => rig.TextAsync("/seen/cf")),
        new(Fetch, FetchPage, "a body of 5 MB is streamed in", "5242880", async rig => await TextAsync(await rig.Client.PostAsync("/seen/upload", new ByteArrayContent(new byte[5 << 20])))),
        new(Fetch, FetchPage, "request.signal: the visitor went away", "aborted", LeaveAsync),
        new(Fetch, FetchPage, "an exception is a 500, and nothing of it is told", "500 The worker failed.", rig => rig.TextAsync("/seen/fail")),
        new("Answers to visitors", "runtime-apis/response/", "status, headers, several Set-Cookie, body", "418 1 a=1|b=2 short and stout", AnswerAsync),
        new("Answers to visitors", "runtime-apis/response/", "Response.redirect()", "307 http://apis.test/there", async rig => await rig.Client.GetAsync("/seen/redirect") is var got ? $"{(int)got.StatusCode} {got.Headers.Location}" : ""),
        new("Answers to visitors", "runtime-apis/response/", "204 without a body", "204 ", rig => rig.TextAsync("/seen/nothing")),
        new("Answers to visitors", "runtime-apis/response/", "HEAD: headers and no body", "200 2 ", HeadAsync),
        new("Answers to visitors", "runtime-apis/response/", "Content-Encoding: gzip squeezes the body", "True 900", GzipAsync),
        new("Answers to visitors", "runtime-apis/response/", "encodeBody: \"manual\"", "as it is", rig => rig.TextAsync("/seen/manual")),
        new("Answers to visitors", "runtime-apis/streams/", "the first part arrives before the last is made", "first second", StreamAsync),
        new(Sockets, SocketsPage, "text and bytes, both ways", "heard ahoy, 2 3", TalkAsync),
        new(Sockets, SocketsPage, "close() with code and reason", "3001 so long", ByeAsync),
        new("Durable Objects of visitors", "../durable-objects/api/alarms/", "alarm()", "rang", AlarmAsync),
        new("Durable Objects of visitors", "../durable-objects/best-practices/websockets/", "acceptWebSocket(), webSocketMessage(), getWebSockets(), attachments", "one 1 of 1, two 2 of 1", HibernateAsync),
        new(Sockets, SocketsPage, "a request that is none", "426 Expected a web socket", rig => rig.TextAsync("/seen/socket")),
        Queued("send(); queue() with queue, id, timestamp, attempts, body", "send", "send", """[["apis","string",true,1,[1]]]"""),
        Queued("sendBatch() as json, text, bytes, v8", "batch", "json,text,bytes,v8", """[["json"],["text"],[1,2],["2026-01-01T00:00:00.000Z"]]"""),
        Queued("ack(), retry(), attempts", "retry", "retry", "[[2]]"),
        Queued("a dead-letter queue after max_retries", "dead", "dead", """[["dead"]]"""),
        Queued("delaySeconds", "delayed", "delayed", "[[true]]"),
        new(Context, ContextPage, "waitUntil() goes on after the answer", """["waitUntil() of ctx","waitUntil() of the module"]""", LaterAsync),
    ];

    // Sent by one request, handled some time later, told to another request.
    private static ApiCheck Queued(string api, string sent, string told, string expected) => new("Queues", "../queues/configuration/javascript-apis/", api, expected, async rig =>
    {
        (await rig.TextAsync($"/seen/sent?{sent}")).ShouldBe("sent");
        return await rig.TextAsync($"/seen/handled?{told}", expected);
    });

    private static async Task<string> RequestAsync(ApiRig rig)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/seen/request?a=%20b") { Content = new StringContent("sent"), Headers = { { "X-One", "1" } } };
        return await TextAsync(await rig.Client.SendAsync(request));
    }

    private static async Task<string> AnswerAsync(ApiRig rig)
    {
        using var got = await rig.Client.GetAsync("/seen/answer");
        return $"{(int)got.StatusCode} {string.Join("|", got.Headers.GetValues("X-One"))} {string.Join("|", got.Headers.GetValues("Set-Cookie"))} {await got.Content.ReadAsStringAsync()}";
    }

    private static async Task<string> HeadAsync(ApiRig rig)
    {
        using var got = await rig.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/seen/length"));
        return $"{(int)got.StatusCode} {string.Join("", got.Headers.GetValues("x-two"))} {await got.Content.ReadAsStringAsync()}";
    }

    private static async Task<string> GzipAsync(ApiRig rig)
    {
        using var got = await rig.Client.GetAsync("/seen/gzip");
        var small = await got.Content.ReadAsByteArrayAsync();
        using var large = new StreamReader(new GZipStream(new MemoryStream(small), CompressionMode.Decompress));
        return $"{small.Length < 200 && got.Content.Headers.ContentEncoding.Contains("gzip")} {(await large.ReadToEndAsync()).Length}";
    }

    // The worker makes the second part only after it heard that the first one is here.
    private static async Task<string> StreamAsync(ApiRig rig)
    {
        using var got = await rig.Client.GetAsync("/seen/stream", HttpCompletionOption.ResponseHeadersRead);
        await using var body = await got.Content.ReadAsStreamAsync();
        var first = new byte[6];
        await body.ReadExactlyAsync(first).AsTask().WaitAsync(TimeSpan.FromSeconds(60));
        await rig.TextAsync("/seen/streamed");
        return Encoding.UTF8.GetString(first) + await new StreamReader(body).ReadToEndAsync();
    }

    private static async Task<string> LeaveAsync(ApiRig rig)
    {
        using (var got = await rig.Client.GetAsync("/seen/leave", HttpCompletionOption.ResponseHeadersRead))
        await using (var body = await got.Content.ReadAsStreamAsync()) await body.ReadExactlyAsync(new byte[1]);
        return await rig.TextAsync("/seen/left", "aborted");
    }

    private static async Task<string> LaterAsync(ApiRig rig)
    {
        (await rig.TextAsync("/seen/later")).ShouldBe("answered");
        return await rig.TextAsync("/seen/after", """["waitUntil() of ctx","waitUntil() of the module"]""");
    }

    private static async Task<string> TalkAsync(ApiRig rig)
    {
        using var socket = await rig.SocketAsync();
        var part = new byte[100];
        await socket.SendAsync("ahoy"u8.ToArray(), WebSocketMessageType.Text, true, default);
        var text = Encoding.UTF8.GetString(part, 0, (await socket.ReceiveAsync(part, default).WaitAsync(TimeSpan.FromSeconds(60))).Count);
        await socket.SendAsync(new byte[] { 1, 2 }, WebSocketMessageType.Binary, true, default);
        var got = await socket.ReceiveAsync(part, default).WaitAsync(TimeSpan.FromSeconds(60));
        return $"{text}, {string.Join(' ', part.Take(got.Count))}";
    }

    private static async Task<string> AlarmAsync(ApiRig rig)
    {
        (await rig.TextAsync("/seen/ring")).ShouldBe("set");
        return await rig.TextAsync("/seen/rang", "rang");
    }

    private static async Task<string> HibernateAsync(ApiRig rig)
    {
        using var socket = await rig.SocketAsync("/seen/room");
        var (part, heard) = (new byte[100], new List<string>());
        foreach (var word in (string[])["one", "two"])
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(word), WebSocketMessageType.Text, true, default);
            heard.Add(Encoding.UTF8.GetString(part, 0, (await socket.ReceiveAsync(part, default).WaitAsync(TimeSpan.FromSeconds(60))).Count));
        }
        return string.Join(", ", heard);
    }

    private static async Task<string> ByeAsync(ApiRig rig)
    {
        using var socket = await rig.SocketAsync();
        await socket.SendAsync("bye"u8.ToArray(), WebSocketMessageType.Text, true, default);
        await socket.ReceiveAsync(new byte[100], default).WaitAsync(TimeSpan.FromSeconds(60));
        return $"{(int?)socket.CloseStatus} {socket.CloseStatusDescription}";
    }

    private static async Task<string> TextAsync(HttpResponseMessage answer)
    {
        using (answer) return answer.StatusCode is HttpStatusCode.OK ? await answer.Content.ReadAsStringAsync() : $"{(int)answer.StatusCode}";
    }
}
