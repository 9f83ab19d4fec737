using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Workers.Runtime;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Bindings.Cache;

namespace Quarterdeck.Tests.Workers.Bindings;

/// <summary>What the Cache API keeps, for how long, and how much; what workers see of it is among the checks of Apis/.</summary>
public sealed class CacheTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(56);

    [Theory]
    [InlineData(200, "max-age=60", 60)]
    [InlineData(200, "MAX-AGE=60, s-maxage=\"5\"", 5)]
    [InlineData(200, "public", 7200)]
    [InlineData(404, "", 180)]
    [InlineData(302, "", 1200)]
    [InlineData(500, "", null)]
    [InlineData(500, "max-age=10", 10)]
    [InlineData(200, "max-age=0", null)]
    [InlineData(200, "no-store, max-age=60", null)]
    [InlineData(200, "no-cache", null)]
    [InlineData(200, "private, max-age=60", null)]
    [InlineData(200, "max-age=nonsense", 7200)]
    public void How_long_an_answer_is_kept_is_said_by_its_headers_or_its_status(int status, string control, int? seconds) =>
        ((CachedAnswer.Of(status, [new("Cache-Control", control)], [], Now)?.Until - Now)?.TotalSeconds).ShouldBe(seconds);

    [Fact]
    public void Expires_counts_where_no_age_is_named_and_what_is_no_date_has_passed()
    {
        (CachedAnswer.Of(200, [new("Expires", Now.AddSeconds(90).ToString("r"))], [], Now)!.Until - Now).TotalSeconds.ShouldBe(90);
        CachedAnswer.Of(200, [new("Expires", "0")], [], Now).ShouldBeNull();
        (CachedAnswer.Of(200, [new("Expires", "0"), new("cache-control", "max-age=5")], [], Now)!.Until - Now).TotalSeconds.ShouldBe(5);
    }

    [Theory]
    [InlineData("bytes=0-1", 0, 2)]
    [InlineData("bytes=3-", 3, 2)]
    [InlineData("bytes=-2", 3, 2)]
    [InlineData("bytes=-9", 0, 5)]
    [InlineData("bytes=1-99", 1, 4)]
    [InlineData("bytes=5-", 0, 0)]
    [InlineData("bytes=3-1", null, null)]
    [InlineData("bytes=0-1,3-4", null, null)]
    [InlineData("lines=0-1", null, null)]
    [InlineData("bytes=-", null, null)]
    public void A_part_is_what_the_range_says_or_the_whole(string range, int? from, int? length) =>
        CachedAnswer.Of(200, [], "abcde"u8.ToArray(), Now)!.Part(range).ShouldBe(from is null ? null : (from.Value, length!.Value));

    [Fact]
    public void The_least_recently_used_goes_first_and_one_worker_does_not_push_out_the_others()
    {
        var store = new CacheStore(new HandTime(Now));
        CacheKey Key(long worker, int n) => new(worker, "", $"https://a/{n}");
        var part = CachedAnswer.Of(200, [], new byte[CacheStore.MostOfOne / 4], Now)!;
        store.Put(Key(1, 0), part);
        for (var n = 0; n < 3; n++) store.Put(Key(2, n), part);
        store.Find(Key(2, 0)).ShouldNotBeNull();
        store.Put(Key(2, 3), part);
        (store.Find(Key(2, 0)) is null, store.Find(Key(2, 1)) is null, store.Find(Key(2, 3)) is null).ShouldBe((false, true, false));
        store.Find(Key(1, 0)).ShouldNotBeNull();
        // Five workers do not fit, each with all that one may have.
        for (var worker = 3; worker < 8; worker++)
            for (var n = 0; n < 3; n++) store.Put(Key(worker, n), part);
        store.Find(Key(1, 0)).ShouldBeNull("it was used least recently");
        store.Find(Key(7, 2)).ShouldNotBeNull();
        store.Put(Key(7, 9), CachedAnswer.Of(200, [], new byte[CacheStore.MostOfOne], Now)!);
        store.Find(Key(7, 9)).ShouldBeNull("it is larger than one worker's room");
        store.Find(Key(7, 2)).ShouldNotBeNull("nothing made room for what does not fit");
    }

    [Fact]
    public async Task Workers_do_not_share_caches_and_calls_count_as_subrequests()
    {
        var time = new HandTime(Now);
        var store = new CacheStore(time);
        await using var node = await ComputeNode.StartAsync(bindings: [new CacheBinding(store, time)]);
        const string code = """
            export default { async fetch(r, env) {
              const had = await caches.default.match("https://a/x");
              if (!had) await caches.default.put("https://a/x", new Response("mine", { headers: { "Cache-Control": "max-age=60" } }));
              let calls = 0;
              try { for (;;) { await caches.default.match("https://a/none"); calls++; } } catch (e) { return new Response(`${had ? await had.text() : "nothing"} ${calls} ${e.message} ${Object.keys(env).length}`); }
            } };
            """;
        var limits = WorkerLimits.Usual with { Subrequests = 5 };
        var (one, two) = (node.Deploy(1, code, limits: limits), node.Deploy(2, code, limits: limits));
        (await node.GetAsync(one)).Body.ShouldBe("nothing 3 Too many subrequests. 0");
        (await node.GetAsync(one)).Body.ShouldBe("mine 4 Too many subrequests. 0");
        (await node.GetAsync(two)).Body.ShouldBe("nothing 3 Too many subrequests. 0");
        time.Forward(TimeSpan.FromSeconds(61));
        (await node.GetAsync(one)).Body.ShouldStartWith("nothing");
    }

    [Fact]
    public async Task An_answer_that_is_too_large_is_not_kept_and_hurts_nobody()
    {
        var store = new CacheStore(TimeProvider.System);
        await using var node = await ComputeNode.StartAsync(bindings: [new CacheBinding(store, TimeProvider.System)]);
        var key = node.Deploy(1, """
            export default { async fetch() {
              const block = new Uint8Array(1 << 20);
              let left = 40;
              const body = new ReadableStream({ pull(c) { if (left-- > 0) c.enqueue(block); else c.close(); } });
              await caches.default.put("https://a/large", new Response(body, { headers: { "Cache-Control": "max-age=60" } }));
              await caches.default.put("https://a/ü?q=ä#part", new Response("small", { headers: { "Cache-Control": "max-age=60", "X-Odd": "caf\u00e9" } }));
              const small = await caches.default.match("https://a/ü?q=ä");
              return Response.json([await caches.default.match("https://a/large") ?? null, await small.text(), small.headers.get("x-odd")]);
            } };
            """);
        (await node.GetAsync(key)).Body.ShouldBe("[null,\"small\",\"café\"]");
    }
}
