using System.Net;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>Which worker and version answers, and what it learns of the request.</summary>
public sealed class RoutingTests
{
    private const string Host = FrontRig.Host;

    [Fact]
    public async Task The_host_and_the_most_specific_path_pick_the_worker_and_other_hosts_get_404()
    {
        await using var rig = await FrontRig.OpenAsync();
        rig.Set([FrontRig.Worker(1), FrontRig.Worker(2)], new TableZone(Host, [new("/api/*", "/api/", true, 2), new("/about", "/about", false, 1)]), new TableZone("*.wild.test", [new("/*", "/", true, 2)]));
        foreach (var (path, host, key) in new[] { ("/api/x?y=/about", Host, "2@1"), ("/about?z", "SHOP.test:8787", "1@1"), ("/%61bout", Host, "1@1"), ("/x/../api/y", Host + ".", "2@1"), ("/", "a.b.wild.test", "2@1") })
        {
            using var answer = await rig.GetAsync(path, host);
            Assert.Equal("hello\n", await answer.Content.ReadAsStringAsync());
            Assert.Equal(key, rig.Server.Requests.Last().Header("x-quarterdeck-worker"));
        }
        Assert.Equal("GET /about?z HTTP/1.1", rig.Server.Requests.ElementAt(1).Line);
        foreach (var (path, host, status, cause) in new[] { ("/aboutx", Host, 404, "no-route"), ("/", "other.test", 404, "no-zone"), ("/", "wild.test", 404, "no-zone"), ("/", "127.0.0.1", 421, "console-host"), ("/", "localhost", 421, "console-host"), ("/", "console.test:5080", 421, "console-host"), ("/", "[::1]:1", 421, "console-host") })
        {
            using var answer = await rig.GetAsync(path, host);
            Assert.Equal((status, cause), ((int)answer.StatusCode, FrontRig.Cause(answer)));
        }
    }

    [Fact]
    public async Task Headers_that_pretend_to_be_ours_are_dropped_and_the_visitor_is_told_of_by_us()
    {
        await using var rig = await FrontRig.OpenAsync();
        rig.Server.Answer = async request =>
        {
            await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: me\r\nX-Quarterdeck-Cause: forged\r\nSet-Cookie: qd-session=stolen; Path=/\r\nSet-Cookie: mine=1\r\nX-Bytes: caf\u00e9\r\n\r\n");
            return true;
        };
        var request = new HttpRequestMessage(HttpMethod.Get, "/");
        foreach (var (name, value) in new[]
        {
            ("X-Quarterdeck-Worker", "9@9"), ("x-quarterdeck-tail", "1"), ("x-quarterdeck-scheme", "https"), ("x-quarterdeck-cf", "{}"), ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Host", "evil"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=6.6.6.6"), ("CF-Connecting-IP", "6.6.6.6"),
            ("X-Real-IP", "6.6.6.6"), ("Proxy-Authorization", "x"), ("Connection", "X-Hop"), ("X-Hop", "1"), ("TE", "trailers"), ("X-Mine", "stays"), ("Cookie", "a=1; qd-session=secret; b=2; qd-form=x"),
        }) request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await rig.SendAsync(request);
        var seen = rig.Server.Requests.Single();
        Assert.Equal(("1@1", "127.0.0.1", "http", "127.0.0.1", "stays", "a=1; b=2", Host),
            (seen.Header("x-quarterdeck-worker"), seen.Header("x-forwarded-for"), seen.Header("x-forwarded-proto"), seen.Header("cf-connecting-ip"), seen.Header("x-mine"), seen.Header("cookie"), seen.Header("host")));
        foreach (var gone in new[] { "x-quarterdeck-tail", "x-forwarded-host", "forwarded", "x-real-ip", "proxy-authorization", "x-hop", "te", "connection" }) Assert.Null(seen.Header(gone));
        Assert.DoesNotContain("secret", seen.Head, StringComparison.Ordinal);
        Assert.Equal("""{"httpProtocol":"HTTP/1.1"}""", seen.Header("x-quarterdeck-cf"));
        Assert.Equal(2, seen.Head.Split("x-quarterdeck-", StringSplitOptions.None).Skip(1).Count());
        Assert.Equal("mine=1", answer.Headers.GetValues("Set-Cookie").Single());
        Assert.Null(FrontRig.Cause(answer));
        Assert.False(answer.Headers.Contains("Server"));
    }

    [Fact]
    public async Task What_no_code_asks_for_is_not_told()
    {
        await using var rig = await FrontRig.OpenAsync();
        rig.Server.Facts = false;
        (await rig.GetAsync()).Dispose();
        Assert.Null(rig.Server.Requests.Single().Header("x-quarterdeck-cf"));
    }

    [Fact]
    public async Task A_watched_worker_runs_in_the_variant_that_reports()
    {
        await using var rig = await FrontRig.OpenAsync();
        using var watch = rig.Tails.Watch(1, new TailFilter());
        (await rig.GetAsync()).Dispose();
        Assert.Equal("1@1+tail", rig.Server.Requests.Single().Header("x-quarterdeck-worker"));
        Assert.NotNull(rig.Server.Requests.Single().Header("x-request-id"));
    }

    [Fact]
    public async Task A_split_gives_each_version_its_share_and_a_cookie_keeps_a_visitor()
    {
        var worker = FrontRig.Worker() with { Versions = [FrontRig.Version(1, 1, 70), FrontRig.Version(1, 2, 30)] };
        await using var rig = await FrontRig.OpenAsync(_ => worker);
        for (var i = 0; i < 400; i++) (await rig.GetAsync()).Dispose();
        Assert.InRange(rig.Server.Requests.Count(r => r.Header("x-quarterdeck-worker") == "1@2"), 60, 180);

        rig.Set(worker with { Sticky = new StickyRule(StickyKind.Cookie, "lane") });
        using var first = await rig.GetAsync();
        var cookie = first.Headers.GetValues("Set-Cookie").Single();
        Assert.Matches("^lane=[0-9a-f]+; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax$", cookie);
        var version = rig.Server.Requests.Last().Header("x-quarterdeck-worker");
        for (var i = 0; i < 20; i++)
        {
            var again = new HttpRequestMessage(HttpMethod.Get, "/");
            again.Headers.Add("Cookie", "x=y; " + cookie.Split(';')[0]);
            using var answer = await rig.SendAsync(again);
            Assert.Equal(version, rig.Server.Requests.Last().Header("x-quarterdeck-worker"));
            Assert.False(answer.Headers.Contains("Set-Cookie"));
        }
    }

    [Fact]
    public async Task Equal_headers_get_the_same_version_where_asked()
    {
        await using var rig = await FrontRig.OpenAsync(w => w with { Versions = [FrontRig.Version(1, 1, 50), FrontRig.Version(1, 2, 50)], Sticky = new StickyRule(StickyKind.Header, "X-User") });
        var seen = new HashSet<string>();
        for (var user = 0; user < 20; user++)
        {
            var versions = new HashSet<string>();
            for (var i = 0; i < 3; i++)
            {
                var request = new HttpRequestMessage(HttpMethod.Get, "/");
                request.Headers.Add("X-User", $"user-{user}");
                (await rig.SendAsync(request)).Dispose();
                versions.Add(rig.Server.Requests.Last().Header("x-quarterdeck-worker")!);
            }
            seen.Add(Assert.Single(versions));
        }
        Assert.Equal(2, seen.Count);
    }

    [Fact]
    public async Task A_worker_that_is_off_or_has_no_version_answers_503()
    {
        await using var rig = await FrontRig.OpenAsync(w => w with { Tier = WorkerTier.Off });
        using (var off = await rig.GetAsync()) Assert.Equal((HttpStatusCode.ServiceUnavailable, "off"), (off.StatusCode, FrontRig.Cause(off)));
        rig.Set(FrontRig.Worker() with { Versions = [] });
        using (var none = await rig.GetAsync()) Assert.Equal((HttpStatusCode.ServiceUnavailable, "not-deployed"), (none.StatusCode, FrontRig.Cause(none)));
        Assert.Empty(rig.Server.Requests);
    }
}
