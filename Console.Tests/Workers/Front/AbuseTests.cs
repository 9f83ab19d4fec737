using System.Text;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>Heads and addresses that no browser sends, by raw bytes.</summary>
public sealed class AbuseTests
{
    private const string Host = FrontRig.Host;

    public static TheoryData<string, string, int> Heads => new()
    {
        { "5,000 headers", $"GET / HTTP/1.1\r\nHost: {Host}\r\n" + string.Concat(Enumerable.Range(0, 5000).Select(i => $"X-{i}: {i}\r\n")) + "\r\n", 431 },
        { "a header of 1 MiB", $"GET / HTTP/1.1\r\nHost: {Host}\r\nX: {new string('x', 1 << 20)}\r\n\r\n", 431 },
        { "an address of 200,000 characters", $"GET /{new string('u', 200_000)} HTTP/1.1\r\nHost: {Host}\r\n\r\n", 414 },
        { "no HTTP at all", "\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n", 400 },
        { "a name with a blank", $"GET / HTTP/1.1\r\nHost: {Host}\r\nX : 1\r\n\r\n", 400 },
        { "a name with a null", $"GET / HTTP/1.1\r\nHost: {Host}\r\nX\0: 1\r\n\r\n", 400 },
        { "a value with a null", $"GET / HTTP/1.1\r\nHost: {Host}\r\nX: a\0b\r\n\r\n", 400 },
        { "a null in the address", $"GET /%00 HTTP/1.1\r\nHost: {Host}\r\n\r\n", 400 },
        { "HTTP of another version", $"GET / HTTP/3.7\r\nHost: {Host}\r\n\r\n", 505 },
        { "a length below nought", $"POST / HTTP/1.1\r\nHost: {Host}\r\nContent-Length: -1\r\n\r\n", 400 },
        { "two lengths in one", $"POST / HTTP/1.1\r\nHost: {Host}\r\nContent-Length: 1, 2\r\n\r\na", 400 },
        { "a host with a user", $"GET / HTTP/1.1\r\nHost: a@{Host}\r\n\r\n", 400 },
        { "an address without a path", $"GET ?x HTTP/1.1\r\nHost: {Host}\r\n\r\n", 400 },
    };

    [Theory, MemberData(nameof(Heads))]
    public async Task What_no_browser_sends_reaches_no_worker_and_the_next_visitor_is_served(string what, string bytes, int status)
    {
        await using var rig = await FrontRig.OpenAsync();
        string line;
        using (var visitor = await SlowVisitorTests.ConnectAsync(rig, bytes)) line = await FirstLineAsync(visitor.GetStream());
        Assert.True(line.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), $"{what}: {line}");
        Assert.Empty(rig.Server.Requests);
        using var next = await rig.GetAsync();
        Assert.Equal(200, (int)next.StatusCode);
    }

    [Theory]
    [InlineData("/%2e%2e/%2e%2e/etc/passwd", "2@1")]
    [InlineData("/api/../secret", "2@1")]
    [InlineData("/api/%2e%2e/secret", "2@1")]
    [InlineData("/api//x", "1@1")]
    [InlineData("//api/x", "2@1")]
    [InlineData("/api%2fx", "2@1")]
    [InlineData("/%61pi/x", "1@1")]
    [InlineData("/API/x", "2@1")]
    [InlineData("/api/x?/../../secret", "1@1")]
    [InlineData("/..\\..\\x", "2@1")]
    [InlineData("/x?%%%&&&===", "2@1")]
    public async Task A_path_is_routed_by_what_it_means_and_passed_on_as_it_was_written(string target, string key)
    {
        await using var rig = await FrontRig.OpenAsync();
        rig.Set([FrontRig.Worker(1), FrontRig.Worker(2)], new TableZone(Host, [new("/api/*", "/api/", true, 1), new("/*", "/", true, 2)]));
        using var visitor = await SlowVisitorTests.ConnectAsync(rig, $"GET {target} HTTP/1.1\r\nHost: {Host}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", await SlowVisitorTests.ReadAllAsync(visitor));
        var seen = rig.Server.Requests.Single();
        Assert.Equal(($"GET {target} HTTP/1.1", key), (seen.Line, seen.Header("x-quarterdeck-worker")));
    }

    [Fact]
    public async Task A_request_hidden_behind_another_ones_body_reaches_no_worker()
    {
        await using var rig = await FrontRig.OpenAsync();
        rig.Server.Answer = async request =>
        {
            if (request.Header("transfer-encoding") is not null) await request.BodyAsync("0\r\n\r\n".Length);
            await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            return true;
        };
        using (var visitor = await SlowVisitorTests.ConnectAsync(rig, $"POST / HTTP/1.1\r\nHost: {Host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: {Host}\r\nX: "))
        {
            await FirstLineAsync(visitor.GetStream());
            visitor.Close();
        }
        (await rig.GetAsync("/next")).Dispose();
        Assert.DoesNotContain(rig.Server.Requests, r => r.Line.Contains("smuggled", StringComparison.Ordinal));
        Assert.All(rig.Server.Requests, r => Assert.False(r.Header("content-length") is not null && r.Header("transfer-encoding") is not null));
    }

    private static async Task<string> FirstLineAsync(Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
        try { return await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)) ?? ""; }
        catch (IOException) { return ""; } // cut while it was still sending
    }
}
