using System.Net;
using System.Net.Sockets;
using System.Text;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Front;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>Visitors who send or read slowly, or never end: they cost themselves, and nobody else a request.</summary>
public sealed class SlowVisitorTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly FrontPatience Short = new() { Head = TimeSpan.FromSeconds(1), Grace = TimeSpan.FromSeconds(1.5) };

    [Fact]
    public async Task A_head_that_does_not_end_is_answered_408_and_its_connection_closed()
    {
        await using var rig = await FrontRig.OpenAsync(patience: Short);
        using var visitor = await ConnectAsync(rig, $"GET / HTTP/1.1\r\nHost: {FrontRig.Host}\r\nX-Slow: a");
        Assert.StartsWith("HTTP/1.1 408 ", await ReadAllAsync(visitor));
        Assert.Empty(rig.Server.Requests);
        await StillServesAsync(rig);
    }

    [Fact]
    public async Task A_body_that_does_not_come_is_answered_408_and_the_compute_server_is_let_go()
    {
        const int many = 60; // their time is over at once: the answer is right whoever is the first to see that a request was cut, its sender or its reader
        await using var rig = await FrontRig.OpenAsync(patience: Short);
        var ended = Waiting(rig, many);
        var visitors = await Task.WhenAll(Enumerable.Range(0, many).Select(_ => ConnectAsync(rig, $"POST / HTTP/1.1\r\nHost: {FrontRig.Host}\r\nContent-Length: 100000\r\n\r\nabc")));
        Assert.All(await Task.WhenAll(visitors.Select(ReadAllAsync)), answer => Assert.StartsWith("HTTP/1.1 408 ", answer));
        foreach (var visitor in visitors) visitor.Dispose();
        await ended.WaitAsync(Limit);
        rig.Server.Answer = Ok;
        await StillServesAsync(rig);
    }

    [Fact]
    public async Task Who_does_not_read_the_answer_is_cut_at_the_wall_time_and_holds_no_more_than_the_buffers_between()
    {
        await using var rig = await FrontRig.OpenAsync(w => w with { Versions = [FrontRig.Version(1, 1, 100, WorkerLimits.Usual with { WallMs = 1000 })] });
        using (await rig.StartedAsync()) { }
        var (sent, ended) = (0L, new TaskCompletionSource());
        rig.Server.Answer = async request =>
        {
            var chunk = "10000\r\n" + new string('a', 0x10000) + "\r\n";
            try
            {
                await request.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                while (true)
                {
                    await request.SendAsync(chunk);
                    Interlocked.Add(ref sent, 0x10000);
                }
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException) { ended.SetResult(); }
            return false;
        };
        using var visitor = await ConnectAsync(rig, $"GET / HTTP/1.1\r\nHost: {FrontRig.Host}\r\n\r\n");
        await ended.Task.WaitAsync(Limit);
        // an endless answer stops when nobody takes it: the rest waits in the kernel's buffers at both ends
        Assert.InRange(Interlocked.Read(ref sent), 0, 64 << 20);
        // and the front has done with it, though the visitor is still there
        for (var until = DateTime.UtcNow + Limit; rig.Figures.Recent(new WorkerKey(1, 1), 300).Failures < 1; await Task.Delay(20)) Assert.True(DateTime.UtcNow < until, "the request did not end");
        rig.Server.Answer = Ok;
        rig.Set(FrontRig.Worker()); // with a wall time that a busy machine does not use up
        await StillServesAsync(rig);
    }

    [Fact]
    public async Task An_answer_that_never_ends_is_cut_at_the_wall_time_and_not_taken_for_whole()
    {
        await using var rig = await FrontRig.OpenAsync(w => w with { Versions = [FrontRig.Version(1, 1, 100, WorkerLimits.Usual with { WallMs = 300 })] });
        var ended = new TaskCompletionSource();
        using (await rig.StartedAsync()) { } // there is a connection now: opening one takes none of the wall time
        rig.Server.Answer = async request =>
        {
            try
            {
                await request.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                for (; ; await Task.Delay(10)) await request.SendAsync("1\r\na\r\n");
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException) { ended.TrySetResult(); }
            return false;
        };
        using var answer = await rig.StartedAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => answer.Content.ReadAsStringAsync().WaitAsync(Limit));
        await ended.Task.WaitAsync(Limit);
    }

    [Fact]
    public async Task Requests_sent_ahead_on_one_connection_are_answered_in_their_order()
    {
        await using var rig = await FrontRig.OpenAsync();
        rig.Server.Answer = async request =>
        {
            await request.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: {request.Line.Length}\r\n\r\n{request.Line}");
            return true;
        };
        var requests = string.Concat(Enumerable.Range(0, 200).Select(i => $"GET /{i} HTTP/1.1\r\nHost: {FrontRig.Host}\r\n{(i == 199 ? "Connection: close\r\n" : "")}\r\n"));
        using var visitor = await ConnectAsync(rig, requests);
        var answers = await ReadAllAsync(visitor);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"GET /{i} HTTP/1.1"), answers.Split("\r\n\r\n").Skip(1).Select(a => a.Split("HTTP/1.1 200")[0]));
    }

    private static async Task<bool> Ok(StandInRequest request)
    {
        await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        return true;
    }

    // Takes so many requests and waits until the front ends their connections.
    private static Task Waiting(FrontRig rig, int many)
    {
        var ended = new TaskCompletionSource();
        rig.Server.Answer = async request =>
        {
            while (await request.Stream.ReadAsync(new byte[1000]) > 0) { }
            if (Interlocked.Decrement(ref many) == 0) ended.SetResult();
            return false;
        };
        return ended.Task;
    }

    private static async Task StillServesAsync(FrontRig rig)
    {
        using var answer = await rig.GetAsync().WaitAsync(Limit);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    internal static async Task<TcpClient> ConnectAsync(FrontRig rig, string bytes)
    {
        var visitor = new TcpClient();
        await visitor.ConnectAsync(IPAddress.Loopback, rig.Http.Port);
        try { await visitor.GetStream().WriteAsync(Encoding.Latin1.GetBytes(bytes)); }
        catch (IOException) { /* refused before it was all sent: the answer is there */ }
        return visitor;
    }

    internal static async Task<string> ReadAllAsync(TcpClient visitor)
    {
        using var reader = new StreamReader(visitor.GetStream(), Encoding.Latin1, leaveOpen: true);
        return await reader.ReadToEndAsync().WaitAsync(Limit);
    }
}
