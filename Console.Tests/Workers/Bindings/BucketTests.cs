using System.Text.Json;
using Quarterdeck.Database;
using Quarterdeck.Tests.Workers.Runtime;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Bindings.Buckets;

namespace Quarterdeck.Tests.Workers.Bindings;

/// <summary>Object storage as workers see it, in real workerd.</summary>
public sealed class BucketTests
{
    private static readonly WorkerBinding Files = ComputeNode.Binding("FILES", BindingKind.Bucket, new { bucket = "files" });

    private static async Task<JsonElement> RunAsync(string script, WorkerLimits? limits = null)
    {
        await using var lab = await BucketLab.OpenAsync(DatabaseEngine.Sqlite);
        await using var node = await ComputeNode.StartAsync(bindings: [new BucketBinding(lab.Buckets, lab.Objects)]);
        var key = node.Deploy(1, $$"""
            const t = async f => { try { return await f(); } catch (e) { return `${e.name}: ${e.message}`; } };
            export default { async fetch(request, env) { const B = env.FILES, out = {}; {{script}} return Response.json(out); } };
            """, bindings: [Files, ComputeNode.Binding("GONE", BindingKind.Bucket, new { bucket = "gone" })], limits: limits ?? WorkerLimits.Usual with { Subrequests = 200 });
        var answer = await node.GetAsync(key);
        answer.Status.ShouldBe(200, answer.ToString());
        return JsonDocument.Parse(answer.Body).RootElement;
    }

    [Fact]
    public async Task Workers_put_get_list_and_delete_objects_as_the_documentation_says()
    {
        var o = await RunAsync("""
            const put = await B.put("a b/ü?#%+", "hello", { httpMetadata: { contentType: "text/plain", cacheControl: "no-store", cacheExpiry: new Date(5000) }, customMetadata: { m: "ä" }, sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" });
            out.put = [put.key, put.size, put.etag, put.httpEtag, put.uploaded instanceof Date, put.version.length, put.checksums.toJSON().md5 === put.etag, put.checksums.sha256.byteLength, put.customMetadata, put.storageClass];
            const got = await B.get("a b/ü?#%+");
            const headers = new Headers(); got.writeHttpMetadata(headers);
            out.got = [await got.text(), got.bodyUsed, got.httpMetadata.contentType, got.httpMetadata.cacheExpiry instanceof Date, [...headers]];
            const head = await B.head("a b/ü?#%+");
            out.head = [head.size, head.body === undefined, head.customMetadata.m];
            out.missing = [await B.get("none"), await B.head("none")];
            out.range = [];
            for (const range of [{ offset: 1, length: 3 }, { offset: 3 }, { suffix: 2 }, new Headers({ range: "bytes=1-2" })]) { const r = await B.get("a b/ü?#%+", { range }); out.range.push([await r.text(), r.range, r.size]); }
            out.outside = await t(() => B.get("a b/ü?#%+", { range: { offset: 9 } }));
            await B.put("bytes", new Uint8Array([0, 255, 7])); await B.put("view", new Uint16Array([1, 2]).subarray(1)); await B.put("empty", null); await B.put("blob", new Blob(["bl", "ob"]));
            await B.put("..", "dots"); await B.put("stream", new Response("streamed").body); await B.put("json", JSON.stringify({ deep: [1] }));
            out.values = [[...(await (await B.get("bytes")).bytes())], [...new Uint8Array(await (await B.get("view")).arrayBuffer())], (await B.get("empty")).size, await (await B.get("blob")).text(), await (await B.get("..")).text(), await new Response((await B.get("stream")).body).text(), await (await B.get("json")).json(), (await (await B.get("json")).blob()).size];
            for (const k of ["f/1", "f/2/x", "f/2/y"]) await B.put(k, "x", { httpMetadata: new Headers({ "content-type": "text/x" }) });
            const all = await B.list({ prefix: "f/", include: ["httpMetadata"] }), some = await B.list({ limit: 2, delimiter: "/" }), next = await B.list({ limit: 100, delimiter: "/", cursor: some.cursor });
            out.list = [all.objects.map(x => x.key), all.truncated, all.objects[0].httpMetadata, (await B.list({ prefix: "f/1" })).objects[0].httpMetadata, some.objects.map(x => x.key), some.delimitedPrefixes, some.truncated, next.objects.map(x => x.key), next.delimitedPrefixes, next.truncated, (await B.list({ prefix: "f/", startAfter: "f/1" })).objects.length];
            await B.delete(["f/1", "f/2/x", "none"]); await B.delete("f/2/y");
            out.deleted = (await B.list({ prefix: "f/" })).objects.length;
            out.errors = [await t(() => B.put("k", "v", { md5: "00000000000000000000000000000000" })), await t(() => B.put("k", "v", { md5: "00", sha1: "00" })), await t(() => B.put("x".repeat(1025), "v")), await t(() => B.put("k", 5)), await t(() => B.list({ limit: 1001 })), await t(() => B.put("k", "v", { customMetadata: { m: "x".repeat(8193) } })),
              await t(() => B.put("k", "v", { storageClass: "InfrequentAccess" })), await t(() => env.GONE.get("k")), await B.get("k")];
            """);
        string Of(string name) => o.GetProperty(name).GetRawText();
        Of("put").ShouldBe("""["a b/ü?#%+",5,"5d41402abc4b2a76b9719d911017c592","\"5d41402abc4b2a76b9719d911017c592\"",true,32,true,32,{"m":"ä"},"Standard"]""");
        Of("got").ShouldBe("""["hello",true,"text/plain",true,[["cache-control","no-store"],["content-type","text/plain"],["expires","Thu, 01 Jan 1970 00:00:05 GMT"]]]""");
        Of("head").ShouldBe("""[5,true,"ä"]""");
        Of("missing").ShouldBe("[null,null]");
        Of("range").ShouldBe("""[["ell",{"offset":1,"length":3},5],["lo",{"offset":3,"length":2},5],["lo",{"offset":3,"length":2},5],["el",{"offset":1,"length":2},5]]""");
        Of("outside").ShouldContain("range is not satisfiable");
        Of("values").ShouldBe("""[[0,255,7],[2,0],0,"blob","dots","streamed",{"deep":[1]},12]""");
        Of("list").ShouldBe("""[["f/1","f/2/x","f/2/y"],false,{"contentType":"text/x"},{},[".."],["a b/"],true,["blob","bytes","empty","json","stream","view"],["f/"],false,2]""");
        Of("deleted").ShouldBe("0");
        var errors = o.GetProperty("errors").EnumerateArray().Select(e => e.ToString()).ToList();
        string[] expected = ["The md5 checksum you specified did not match", "multiple hashing algorithms", "between 1 and 1024", "neither a string", "MaxKeys", "more than 8192 bytes", "no storage class", "The bucket 'gone' was deleted.", ""];
        for (var i = 0; i < expected.Length; i++) errors[i].ShouldContain(expected[i]);
    }

    [Fact]
    public async Task Conditions_decide_and_an_upload_in_parts_becomes_an_object()
    {
        var o = await RunAsync("""
            const one = await B.put("k", "one");
            const cond = async onlyIf => { const r = await B.get("k", { onlyIf }); return r.body === undefined ? "no" : await r.text(); };
            const soon = new Date(one.uploaded.getTime() + 60000), past = new Date(one.uploaded.getTime() - 60000);
            out.get = [await cond({ etagMatches: one.etag }), await cond({ etagMatches: "x" }), await cond({ etagDoesNotMatch: one.etag }), await cond({ etagDoesNotMatch: "x" }), await cond({ uploadedBefore: soon }), await cond({ uploadedBefore: past }), await cond({ uploadedAfter: past }), await cond({ uploadedAfter: soon }),
              await cond(new Headers({ "if-none-match": one.httpEtag })), await cond(new Headers({ "if-match": `"x", ${one.httpEtag}` }))];
            out.put = [await B.put("k", "two", { onlyIf: { etagMatches: "x" } }), (await B.put("k", "two", { onlyIf: { etagMatches: one.etag } })).size, await B.put("k", "three", { onlyIf: { etagDoesNotMatch: "*" } }), await B.put("new", "1", { onlyIf: { etagMatches: "*" } }), (await B.put("new", "1", { onlyIf: new Headers({ "if-none-match": "*" }) })).key, await (await B.get("k")).text()];
            const upload = await B.createMultipartUpload("big", { customMetadata: { a: "b" } });
            const again = B.resumeMultipartUpload("big", upload.uploadId);
            const p1 = await again.uploadPart(1, new Uint8Array(5 << 20).fill(7)), p2 = await again.uploadPart(2, "end");
            const made = await upload.complete([p1, p2]);
            const tail = await B.get("big", { range: { suffix: 5 } });
            out.parts = [p1.partNumber, made.size, made.etag.endsWith("-2"), made.customMetadata, [...(await tail.bytes())]];
            out.over = await t(() => upload.complete([p1]));
            const other = await B.createMultipartUpload("other"); await other.uploadPart(1, "x"); await other.abort();
            out.aborted = [await t(() => other.uploadPart(2, "x")), await B.head("other")];
            """, WorkerLimits.Usual with { Subrequests = 200, BuffersMiB = 256 });
        string Of(string name) => o.GetProperty(name).GetRawText();
        Of("get").ShouldBe("""["one","no","no","one","one","no","one","no","no","one"]""");
        Of("put").ShouldBe("""[null,3,null,null,"new","two"]""");
        Of("parts").ShouldBe("""[1,5242883,true,{"a":"b"},[7,7,101,110,100]]""");
        Of("over").ShouldContain("completed, aborted or given up");
        Of("aborted").ShouldContain("completed, aborted or given up");
        Of("aborted").ShouldEndWith(",null]");
    }
}
