using System.Net;
using System.Security.Cryptography;
using System.Text;
using Quarterdeck.Platform;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>Static files as visitors get them over HTTP: whole, in parts, not again, redirected, with headers of their own.</summary>
public sealed class AssetTests
{
    private static readonly string Text = string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i:000}\n"));

    [Fact]
    public async Task A_file_is_answered_without_the_worker_and_not_sent_again_to_who_has_it()
    {
        await using var rig = await OpenAsync();
        using var first = await rig.GetAsync("/big.txt");
        Assert.Equal((HttpStatusCode.OK, Text, 4000L), (first.StatusCode, await first.Content.ReadAsStringAsync(), first.Content.Headers.ContentLength));
        Assert.Equal(("text/plain; charset=utf-8", "bytes", "public, must-revalidate, max-age=0"), (first.Content.Headers.ContentType!.ToString(), first.Headers.AcceptRanges.ToString(), first.Headers.CacheControl!.ToString()));
        using var again = await AskAsync(rig, HttpMethod.Get, "/big.txt", ("If-None-Match", $"\"other\", W/{first.Headers.ETag}"));
        Assert.Equal((HttpStatusCode.NotModified, first.Headers.ETag, ""), (again.StatusCode, again.Headers.ETag, await again.Content.ReadAsStringAsync()));
        using var head = await AskAsync(rig, HttpMethod.Head, "/big.txt", ("Range", "bytes=0-1"));
        Assert.Equal((HttpStatusCode.OK, ""), (head.StatusCode, await head.Content.ReadAsStringAsync()));
        using var page = await rig.GetAsync("/about.html?x=1");
        Assert.Equal((HttpStatusCode.TemporaryRedirect, "/about?x=1"), (page.StatusCode, page.Headers.Location!.OriginalString));
        Assert.Empty(rig.Server.Requests);
        using var post = await AskAsync(rig, HttpMethod.Post, "/big.txt");
        using var missing = await rig.GetAsync("/none");
        Assert.Equal(["POST /big.txt HTTP/1.1", "GET /none HTTP/1.1"], rig.Server.Requests.Select(r => r.Line));
    }

    [Theory]
    [InlineData("bytes=0-3", 206, 0, 4, "bytes 0-3/4000")]
    [InlineData("bytes=3996-", 206, 3996, 4, "bytes 3996-3999/4000")]
    [InlineData("bytes=-4", 206, 3996, 4, "bytes 3996-3999/4000")]
    [InlineData("bytes=-9999", 206, 0, 4000, "bytes 0-3999/4000")]
    [InlineData("bytes=3999-99999", 206, 3999, 1, "bytes 3999-3999/4000")]
    [InlineData("bytes=4000-", 416, 0, 0, "bytes */4000")]
    [InlineData("bytes=-0", 416, 0, 0, "bytes */4000")]
    [InlineData("bytes=5-4", 200, 0, 4000, null)]
    [InlineData("bytes=0-1,5-6", 200, 0, 4000, null)]
    [InlineData("lines=0-1", 200, 0, 4000, null)]
    [InlineData("bytes=a-b", 200, 0, 4000, null)]
    [InlineData("bytes=99999999999999999999-", 200, 0, 4000, null)]
    public async Task A_part_is_answered_as_it_is_asked_for(string range, int status, int from, int length, string? told)
    {
        await using var rig = await OpenAsync();
        using var answer = await AskAsync(rig, HttpMethod.Get, "/big.txt", ("Range", range));
        Assert.Equal((status, Text.Substring(from, length), told), ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer.Content.Headers.ContentRange?.ToString()));
        if (status != 206) return;
        using var same = await AskAsync(rig, HttpMethod.Get, "/big.txt", ("Range", range), ("If-Range", answer.Headers.ETag!.ToString()));
        Assert.Equal(HttpStatusCode.PartialContent, same.StatusCode);
        using var changed = await AskAsync(rig, HttpMethod.Get, "/big.txt", ("Range", range), ("If-Range", "\"before\""));
        Assert.Equal((HttpStatusCode.OK, Text), (changed.StatusCode, await changed.Content.ReadAsStringAsync()));
    }

    [Theory]
    [InlineData("/old", 301, "/new")]
    [InlineData("/old?a=1", 301, "/new?a=1")]
    [InlineData("/blog/2026/a%20b?x=1", 302, "/posts/2026/a%20b?x=1")]
    [InlineData("/blog/%2F%2Fevil.test", 302, "/posts/%2F%2Fevil.test")]
    [InlineData("/out//evil.test/x", 302, "/evil.test/x")]
    [InlineData("/shop/7", 308, "https://shop.test/item?id=7#top")]
    [InlineData("/shop/7/8", 200, "hello\n")]
    [InlineData("/big.txt", 303, "/always")]
    [InlineData("/app/any/where", 200, "<h1>app</h1>")]
    [InlineData("/line/a%0d%0ax:y", 302, "/to/a%0D%0Ax%3Ay")]
    public async Task Redirects_lead_where_the_file_says(string path, int status, string to)
    {
        await using var rig = await OpenAsync("""
            # comment
            /old /new 301
            /blog/* /posts/:splat
            /out/* /:splat
            /shop/:id https://shop.test/item?id=:id#top 308
            /big.txt /always 303
            /app/* /app 200
            /line/:x /to/:x
            /x/* /never
            """);
        using var answer = await rig.GetAsync(path);
        Assert.Equal((status, to), ((int)answer.StatusCode, answer.Headers.Location?.OriginalString ?? await answer.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Headers_are_added_joined_and_removed_as_the_file_says()
    {
        await using var rig = await OpenAsync(null, """
            /*
              X-Frame-Options: DENY
              Cache-Control: public, max-age=60
            # one more
            /big.txt
              X-Frame-Options: SAMEORIGIN
              ! Cache-Control
              Content-Length: 5
              X-Quarterdeck-Cause: forged
            /a/:name/*
              X-Name: :name and :splat
            https://shop.test/*
              X-Host: shop
            https://:sub.test/big.txt
              X-Sub: :sub
            https://other.test/*
              X-Other: yes
            """);
        using var big = await rig.GetAsync("/big.txt");
        Assert.Equal(["DENY, SAMEORIGIN"], big.Headers.GetValues("X-Frame-Options"));
        Assert.Equal((null, "shop", "shop", 4000L), (big.Headers.CacheControl, big.Headers.GetValues("X-Host").Single(), big.Headers.GetValues("X-Sub").Single(), big.Content.Headers.ContentLength));
        Assert.False(big.Headers.Contains("X-Other") || big.Headers.Contains("X-Quarterdeck-Cause"));
        using var named = await rig.GetAsync("/a/b/c.txt");
        Assert.Equal(("b and c.txt", "max-age=60, public"), (named.Headers.GetValues("X-Name").Single(), string.Join(", ", named.Headers.CacheControl!.ToString().Split(", ").Order())));
        using var worker = await rig.GetAsync("/none");
        Assert.False(worker.Headers.Contains("X-Frame-Options"));
    }

    [Fact]
    public void Lines_that_cannot_be_followed_are_left_out_and_told()
    {
        var (errors, warnings) = (new List<FieldError>(), new List<string>());
        var found = AssetCheck.Read(null, [File("_redirects", "/a\n/b /c 299\nc /d\n/e //x\n/f ftp://x\n/g https://x 200\n/* /index.html 200\n/h /1\n/h /2\n/:a/:a /x\n/i /j # why"), File("_headers", "X: 1\n/a\n X 1\n Connection: close\n Y: ü€\n Z: 1"), File("sub/_headers", "x")], errors, warnings)!;
        Assert.Empty(errors);
        Assert.Equal([("/h", "/1", 302)], found.Redirects.Select(r => (r.From, r.To, r.Status)));
        Assert.Equal(["Z"], Assert.Single(found.Headers).Set.Select(h => h.Name));
        Assert.Equal(["/sub/_headers"], found.Files.Keys);
        Assert.Equal(["_redirects 1", "_redirects 2", "_redirects 3", "_redirects 4", "_redirects 5", "_redirects 6", "_redirects 7", "_redirects 9", "_redirects 10", "_redirects 11", "_headers 1", "_headers 3", "_headers 4", "_headers 5"],
            warnings.Select(w => w.Split(" was left out: ")[0].Replace(", line", "", StringComparison.Ordinal)));
        AssetCheck.Read(null, [File("_redirects", string.Concat(Enumerable.Range(0, 101).Select(i => $"/{i}/* /x\n")))], errors, warnings);
        Assert.Equal("assets[_redirects]", Assert.Single(errors).Field);
    }

    private static UploadedFile File(string name, string text) => new(name, Encoding.UTF8.GetBytes(text));

    private static async Task<FrontRig> OpenAsync(string? redirects = null, string? headers = null)
    {
        var files = new List<UploadedFile> { File("big.txt", Text), File("about.html", "<h1>about</h1>"), File("app.html", "<h1>app</h1>"), File("a/b/c.txt", "c") };
        if (redirects is not null) files.Add(File("_redirects", redirects));
        if (headers is not null) files.Add(File("_headers", headers));
        var errors = new List<FieldError>();
        var assets = AssetCheck.Read(null, files, errors, []);
        Assert.Empty(errors);
        var rig = await FrontRig.OpenAsync(w => w with { Versions = [FrontRig.Version(1, 1, 100, assets: assets)] });
        foreach (var file in files) rig.Files[Convert.ToHexStringLower(SHA256.HashData(file.Content.Span))] = file.Content.ToArray();
        return rig;
    }

    private static Task<HttpResponseMessage> AskAsync(FrontRig rig, HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in headers) Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        return rig.SendAsync(request);
    }
}
