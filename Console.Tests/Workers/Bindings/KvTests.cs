using System.Text;
using System.Text.Json;
using Quarterdeck.Database;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Workers.Runtime;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Bindings.Kv;

namespace Quarterdeck.Tests.Workers.Bindings;

/// <summary>Key-value namespaces: the store on both engines, and the API as workers see it in real workerd.</summary>
public sealed class KvTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory, DatabaseData]
    public async Task Keys_are_listed_in_the_order_of_their_bytes_by_prefix_and_page(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var store = new KvStore(database.Db, new HandTime(DateTimeOffset.UnixEpoch.AddYears(56)));
        foreach (var name in (string[])["b", "a/2", "a/10", "a/Z", "a/é", "a/😀", "a", "c"]) await store.PutAsync("one", Bytes(name), new KvEntry(Bytes("v" + name), null, null), None);
        await store.PutAsync("two", Bytes("a/3"), new KvEntry([], null, null), None);
        (await store.ListAsync("one", Bytes("a/"), Bytes("a0"), 100, None)).Select(k => Encoding.UTF8.GetString(k.Name)).ShouldBe(["a/10", "a/2", "a/Z", "a/é", "a/😀"]);
        (await store.ListAsync("one", [.. Bytes("a/2"), 0], Bytes("a0"), 2, None)).Select(k => Encoding.UTF8.GetString(k.Name)).ShouldBe(["a/Z", "a/é"]);
        (await store.ListAsync("one", [], null, 100, None)).Count.ShouldBe(8);
        await store.DeleteAsync("one", Bytes("b"), None);
        (await store.FindAsync("one", Bytes("b"), None)).ShouldBeNull();
    }

    [Theory, DatabaseData]
    public async Task What_has_expired_is_not_there_before_and_after_it_is_swept(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var time = new HandTime(DateTimeOffset.UnixEpoch.AddYears(56));
        var store = new KvStore(database.Db, time);
        await store.PutAsync("n", Bytes("soon"), new KvEntry(Bytes("1"), "{\"a\":1}", time.GetUtcNow().AddMinutes(1)), None);
        await store.PutAsync("n", Bytes("ever"), new KvEntry(Bytes("2"), null, null), None);
        (await store.FindAsync("n", Bytes("soon"), None))!.Metadata.ShouldBe("{\"a\":1}");
        time.Forward(TimeSpan.FromMinutes(2));
        (await store.FindAsync("n", Bytes("soon"), None)).ShouldBeNull();
        (await store.ListAsync("n", [], null, 10, None)).Count.ShouldBe(1);
        (await store.SweepAsync(None)).ShouldBe(1);
        (await store.SweepAsync(None)).ShouldBe(0);
    }

    [Fact]
    public async Task Workers_read_write_and_list_a_namespace_as_the_documentation_says()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        await using var node = await ComputeNode.StartAsync(bindings: [new KvBinding(new KvStore(database.Db, TimeProvider.System), TimeProvider.System)]);
        var kv = ComputeNode.Binding("KV", BindingKind.Kv, new { @namespace = "cache" });
        var key = node.Deploy(1, """
            import { env as outer } from "cloudflare:workers";
            const t = async f => { try { return await f(); } catch (e) { return `${e.name}: ${e.message}`; } };
            export default { async fetch(request, env) {
              const KV = env.KV, out = {};
              out.missing = await KV.get("none");
              await KV.put("text", "value");
              out.text = await KV.get("text");
              await KV.put("a b/ü?#%", JSON.stringify({ deep: [1] }), { metadata: { m: "ä" }, expirationTtl: 60 });
              out.json = await KV.get("a b/ü?#%", "json");
              out.meta = await KV.getWithMetadata("a b/ü?#%", { type: "json", cacheTtl: 60 });
              await KV.put("bytes", new Uint8Array([0, 255, 7]));
              out.bytes = [...new Uint8Array(await KV.get("bytes", "arrayBuffer"))];
              await KV.put("stream", new Response("streamed").body);
              out.stream = await new Response(await KV.get("stream", "stream")).text();
              out.many = [...(await KV.get(["text", "none"])).entries()];
              const all = await KV.list();
              out.names = all.keys.map(k => k.name);
              out.complete = all.list_complete;
              out.expires = all.keys.find(k => k.name.startsWith("a b")).expiration > Date.now() / 1000;
              const first = await KV.list({ limit: 1, prefix: "s" });
              out.page = [first.keys.length, first.list_complete];
              const one = await KV.list({ limit: 1 });
              out.next = (await KV.list({ limit: 1, cursor: one.cursor })).keys[0].name;
              await KV.delete("text");
              out.deleted = await KV.get("text");
              out.empty = await t(() => KV.get(""));
              out.long = await t(() => KV.put("x".repeat(513), ""));
              out.ttl = await t(() => KV.put("k", "v", { expirationTtl: 59 }));
              out.large = await t(() => KV.put("k", new Uint8Array((25 << 20) + 1)));
              out.endless = await t(() => KV.put("k", new Response(new Uint8Array((25 << 20) + 1)).body));
              out.metadata = await t(() => KV.put("k", "v", { metadata: "m".repeat(1024) }));
              out.same = outer.KV.constructor === KV.constructor;
              return Response.json(out);
            } };
            """, bindings: [kv], limits: WorkerLimits.Usual with { BuffersMiB = 512 }); // values as large as they may be, several times
        var answer = await node.GetAsync(key);
        answer.Status.ShouldBe(200, answer.ToString());
        var o = JsonDocument.Parse(answer.Body).RootElement;
        string Of(string name) => o.GetProperty(name).GetRawText();
        Of("missing").ShouldBe("null");
        Of("text").ShouldBe("\"value\"");
        Of("json").ShouldBe("""{"deep":[1]}""");
        Of("meta").ShouldBe("""{"value":{"deep":[1]},"metadata":{"m":"ä"},"cacheStatus":null}""");
        Of("bytes").ShouldBe("[0,255,7]");
        Of("stream").ShouldBe("\"streamed\"");
        Of("many").ShouldBe("""[["text","value"],["none",null]]""");
        Of("names").ShouldBe("""["a b/ü?#%","bytes","stream","text"]""");
        (Of("complete"), Of("expires"), Of("page"), Of("next"), Of("deleted"), Of("same")).ShouldBe(("true", "true", "[1,true]", "\"bytes\"", "null", "true"));
        Of("empty").ShouldContain("Key name cannot be empty.");
        Of("long").ShouldContain("KV PUT failed: 414");
        Of("ttl").ShouldContain("KV PUT failed: 400 Invalid expiration_ttl of 59");
        Of("large").ShouldContain("KV PUT failed: 413");
        Of("endless").ShouldContain("KV PUT failed: 413");
        Of("metadata").ShouldContain("KV PUT failed: 413 Metadata length");

        // Another worker sees the namespace only if it is bound to it, and no way leads out of its own.
        var other = node.Deploy(2, """export default { async fetch(request, env) { await env.KV.put("../cache/stream", "x"); return Response.json([await env.KV.get("stream"), await env.KV.get("../cache/stream"), (await env.KV.list()).keys.length, Object.keys(env.KV)]); } };""",
            bindings: [ComputeNode.Binding("KV", BindingKind.Kv, new { @namespace = "other" })]);
        (await node.GetAsync(other)).Body.ShouldBe("""[null,"x",1,[]]""");
    }

    [Fact]
    public async Task Calls_of_a_namespace_count_as_subrequests()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        await using var node = await ComputeNode.StartAsync(bindings: [new KvBinding(new KvStore(database.Db, TimeProvider.System), TimeProvider.System)]);
        var key = node.Deploy(1, """export default { async fetch(r, env) { let n = 0; try { for (;;) { await env.KV.get("k"); n++; } } catch (e) { return new Response(`${n} ${e.message}`); } } };""",
            limits: WorkerLimits.Usual with { Subrequests = 5 }, bindings: [ComputeNode.Binding("KV", BindingKind.Kv, new { @namespace = "n" })]);
        (await node.GetAsync(key)).Body.ShouldBe("5 Too many subrequests.");
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
