using System.Net;
using System.Net.Sockets;
using System.Text;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>Bodies both ways, limits, and what happens when a compute server ends.</summary>
public sealed class ForwardingTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Bodies_pass_whole_both_ways_by_length_and_in_chunks()
    {
        await using var rig = await FrontRig.OpenAsync();
        rig.Server.Answer = async request =>
        {
            // says back what it got, in chunks of 1000
            var body = request.Header("content-length") is { } length ? await request.BodyAsync(int.Parse(length)) : await ChunksAsync(request);
            await request.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            foreach (var piece in body.Chunk(1000)) await request.SendAsync($"{piece.Length:x}\r\n{Encoding.Latin1.GetString(piece)}\r\n");
            await request.SendAsync("0\r\n\r\n");
            return true;
        };
        var data = new byte[300_000];
        new Random(3).NextBytes(data);
        foreach (var chunked in new[] { false, true })
            for (var i = 0; i < 3; i++)
            {
                var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new ByteArrayContent(data) };
                request.Headers.TransferEncodingChunked = chunked;
                using var answer = await rig.SendAsync(request);
                Assert.Equal(data, await answer.Content.ReadAsByteArrayAsync());
            }
    }

    [Fact]
    public async Task A_streaming_response_arrives_piece_by_piece()
    {
        await using var rig = await FrontRig.OpenAsync();
        var go = new TaskCompletionSource();
        rig.Server.Answer = async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndata:1\r\n");
            await go.Task.WaitAsync(Limit);
            await request.SendAsync("6\r\ndata:2\r\n0\r\n\r\n");
            return true;
        };
        using var answer = await rig.GetAsync().WaitAsync(Limit);
        await using var body = await answer.Content.ReadAsStreamAsync();
        var piece = new byte[6];
        await body.ReadExactlyAsync(piece).AsTask().WaitAsync(Limit);
        Assert.Equal("data:1", Encoding.ASCII.GetString(piece));
        go.SetResult();
        await body.ReadExactlyAsync(piece).AsTask().WaitAsync(Limit);
        Assert.Equal(0, await body.ReadAsync(piece));
    }

    [Fact]
    public async Task Status_and_length_of_answers_without_body_stay()
    {
        await using var rig = await FrontRig.OpenAsync();
        rig.Server.Answer = async request =>
        {
            await request.SendAsync(request.Line.StartsWith("HEAD", StringComparison.Ordinal) ? "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" : "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
            return true;
        };
        for (var i = 0; i < 3; i++)
        {
            using var head = await rig.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/"));
            Assert.Equal(999, head.Content.Headers.ContentLength);
            using var empty = await rig.GetAsync();
            Assert.Equal(HttpStatusCode.NoContent, empty.StatusCode);
        }
    }

    [Fact]
    public async Task A_request_that_a_dying_process_had_is_sent_again_only_when_that_can_do_no_harm()
    {
        await using var rig = await FrontRig.OpenAsync();
        var deaths = 1;
        var ok = rig.Server.Answer;
        rig.Server.Answer = async request =>
        {
            if (Interlocked.Decrement(ref deaths) < 0) return await ok(request);
            rig.Server.Kill();
            rig.Server.Start();
            return false;
        };
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Head, HttpMethod.Put, HttpMethod.Delete, HttpMethod.Options })
        {
            deaths = 2;
            using var answer = await rig.SendAsync(new HttpRequestMessage(method, "/"));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
        foreach (var method in new[] { HttpMethod.Post, HttpMethod.Patch })
        {
            (deaths, var before) = (1, rig.Server.Requests.Count);
            using var answer = await rig.SendAsync(new HttpRequestMessage(method, "/"));
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "unavailable", before + 1), (answer.StatusCode, FrontRig.Cause(answer), rig.Server.Requests.Count));
            Assert.NotNull(answer.Headers.RetryAfter);
        }
        (deaths, var count) = (1, rig.Server.Requests.Count);
        using var put = await rig.SendAsync(new HttpRequestMessage(HttpMethod.Put, "/") { Content = new ByteArrayContent(new byte[10]) });
        Assert.Equal((HttpStatusCode.ServiceUnavailable, count + 1), (put.StatusCode, rig.Server.Requests.Count));
        // counted a moment after the visitor has the answer
        using var limit = new CancellationTokenSource(Limit);
        while (rig.Figures.Recent(new WorkerKey(1, 1), 300).Failures < 3) await Task.Delay(20, limit.Token);
    }

    [Fact]
    public async Task A_request_that_ended_its_process_is_not_sent_again_and_the_others_are()
    {
        await using var rig = await FrontRig.OpenAsync();
        rig.Set([FrontRig.Worker(1), FrontRig.Worker(2)], new TableZone(FrontRig.Host, [new("/bad", "/bad", false, 1), new("/*", "/", true, 2)]));
        var both = new CountdownEvent(2);
        var ok = rig.Server.Answer;
        rig.Server.Answer = async request =>
        {
            if (rig.Server.Generation > 1) return await ok(request);
            if (!both.Signal()) return await Never;
            rig.Server.Blames[1] = new WorkerKey(1, 1);
            rig.Server.Kill();
            rig.Server.Start();
            return false;
        };
        var (bad, good) = (rig.GetAsync("/bad"), rig.GetAsync("/good"));
        using (var answer = await bad.WaitAsync(Limit)) Assert.Equal((HttpStatusCode.ServiceUnavailable, "ended"), (answer.StatusCode, FrontRig.Cause(answer)));
        using (var answer = await good.WaitAsync(Limit)) Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(["GET /bad HTTP/1.1", "GET /good HTTP/1.1", "GET /good HTTP/1.1"], rig.Server.Requests.Select(r => r.Line).Order(StringComparer.Ordinal));
        // a later request of the same version is a new one
        using (var again = await rig.GetAsync("/bad")) Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task A_restart_is_waited_for_and_no_request_is_lost_between()
    {
        await using var rig = await FrontRig.OpenAsync();
        (await rig.GetAsync()).Dispose();
        rig.Server.Kill();
        var waiting = rig.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/"));
        await Task.Delay(100);
        Assert.False(waiting.IsCompleted);
        rig.Server.Start();
        using var answer = await waiting.WaitAsync(Limit);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task What_lasts_longer_than_the_wall_time_is_cut_and_a_started_answer_is_not_taken_for_whole()
    {
        await using var rig = await FrontRig.OpenAsync(w => w with { Versions = [FrontRig.Version(1, 1, 100, WorkerLimits.Usual with { WallMs = 500 })] });
        using (await rig.StartedAsync()) { } // there is a connection now: opening one takes none of the wall time
        var (forever, stuck) = (new TaskCompletionSource(), rig.Server.Stuck);
        rig.Server.Answer = async _ => { await forever.Task; return false; };
        using (var answer = await rig.GetAsync().WaitAsync(Limit)) Assert.Equal((HttpStatusCode.GatewayTimeout, "wall-time"), (answer.StatusCode, FrontRig.Cause(answer)));
        Assert.Equal(stuck + 1, rig.Server.Stuck);
        rig.Server.Answer = async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
            await forever.Task;
            return false;
        };
        using var started = await rig.StartedAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => started.Content.ReadAsStringAsync().WaitAsync(Limit));
        forever.SetResult();
    }

    [Fact]
    public async Task Requests_and_answers_above_their_limits_are_ended_with_a_clear_cause()
    {
        await using var rig = await FrontRig.OpenAsync(w => w with { Versions = [FrontRig.Version(1, 1, 100, WorkerLimits.Usual with { RequestBytes = 1000, ResponseBytes = 1000 })] });
        foreach (var chunked in new[] { false, true })
        {
            var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new ByteArrayContent(new byte[5000]) };
            request.Headers.TransferEncodingChunked = chunked;
            rig.Server.Answer = async r => { await r.BodyAsync(100_000); return false; };
            using var answer = await rig.SendAsync(request).WaitAsync(Limit);
            Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "request-size"), (answer.StatusCode, FrontRig.Cause(answer)));
        }
        rig.Server.Answer = async request => { await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"); return true; };
        using (var large = await rig.GetAsync().WaitAsync(Limit)) Assert.Equal((HttpStatusCode.BadGateway, "response-size"), (large.StatusCode, FrontRig.Cause(large)));
        var begun = new TaskCompletionSource();
        rig.Server.Answer = async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n" + new string('a', 500) + "\r\n");
            await begun.Task;
            await request.SendAsync("1f5\r\n" + new string('a', 501) + "\r\n0\r\n\r\n");
            return true;
        };
        using var endless = await rig.GetAsync().WaitAsync(Limit);
        begun.SetResult();
        await Assert.ThrowsAnyAsync<Exception>(() => endless.Content.ReadAsStringAsync().WaitAsync(Limit));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 502)]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", 502)]
    [InlineData("SSH-2.0-OpenSSH\r\n\r\n", 502)]
    [InlineData("", 503)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-", 503)]
    public async Task An_answer_that_cannot_be_read_is_not_passed_on(string text, int status)
    {
        await using var rig = await FrontRig.OpenAsync();
        rig.Server.Answer = async request => { await request.SendAsync(text); return false; };
        using var answer = await rig.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/")).WaitAsync(Limit);
        Assert.Equal(status, (int)answer.StatusCode);
    }

    [Fact]
    public async Task An_answer_that_ends_early_is_not_taken_for_whole()
    {
        await using var rig = await FrontRig.OpenAsync();
        rig.Server.Answer = async request => { await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"); return false; };
        await Assert.ThrowsAnyAsync<HttpRequestException>(async () => await (await rig.GetAsync()).Content.ReadAsStringAsync().WaitAsync(Limit));
    }

    [Fact]
    public async Task A_visitor_who_leaves_ends_the_request_at_the_compute_server()
    {
        await using var rig = await FrontRig.OpenAsync();
        var (asked, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        rig.Server.Answer = async request =>
        {
            asked.SetResult();
            Assert.Equal(0, await request.Stream.ReadAsync(new byte[1]));
            ended.SetResult();
            return false;
        };
        using (var visitor = new TcpClient())
        {
            await visitor.ConnectAsync(IPAddress.Loopback, rig.Http.Port);
            await visitor.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: {FrontRig.Host}\r\n\r\n"));
            await asked.Task.WaitAsync(Limit);
        }
        await ended.Task.WaitAsync(Limit);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: shop.test\r\nHost: other.test\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("GET /\u00e9 HTTP/1.1\r\nHost: shop.test\r\n\r\n")]
    [InlineData("GET http://shop.test HTTP/1.1\r\nHost: other.test\r\n\r\n")]
    [InlineData("CONNECT shop.test:80 HTTP/1.1\r\nHost: shop.test:80\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: shop.test\r\nX: a\r\n b\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")]
    [InlineData("POST / HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")]
    public async Task Requests_that_could_be_taken_for_others_reach_no_worker(string text)
    {
        await using var rig = await FrontRig.OpenAsync();
        using var visitor = new TcpClient();
        await visitor.ConnectAsync(IPAddress.Loopback, rig.Http.Port);
        await visitor.GetStream().WriteAsync(Encoding.Latin1.GetBytes(text));
        using var reader = new StreamReader(visitor.GetStream(), Encoding.Latin1);
        var line = await reader.ReadLineAsync().WaitAsync(Limit);
        Assert.Matches("^HTTP/1.1 (400|404|405|411|501) ", line);
        Assert.Empty(rig.Server.Requests);
    }

    private static Task<bool> Never => new TaskCompletionSource<bool>().Task;

    private static async Task<byte[]> ChunksAsync(StandInRequest request)
    {
        var (body, all) = (new Quarterdeck.Workers.Front.Http.ChunkedBody(), new List<byte>());
        var one = new byte[1];
        while (!body.IsComplete)
        {
            await request.Stream.ReadExactlyAsync(one);
            all.AddRange(body.Next(one, out _));
        }
        return [.. all];
    }
}
