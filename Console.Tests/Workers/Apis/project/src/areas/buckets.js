import { area, bytes, thrown } from "../check.js";

const r2 = area("R2", "../r2/api/workers/workers-api-reference/");
const conditions = area("R2 conditions and parts", "../r2/api/workers/workers-api-reference/");

r2("put(): key, size, etag, httpEtag, version, uploaded, checksums", ["one", 5, "5d41402abc4b2a76b9719d911017c592", "\"5d41402abc4b2a76b9719d911017c592\"", "string", true, true], async (r, { FILES }) => {
  const made = await FILES.put("one", "hello");
  return [made.key, made.size, made.etag, made.httpEtag, typeof made.version, made.uploaded instanceof Date, made.checksums.toJSON().md5 === made.etag];
});
r2("put() of bytes, a view, a blob, a stream, null", [[0, 255], [2, 0], "blob", "streamed", 0], async (r, { FILES }) => {
  await FILES.put("bytes", new Uint8Array([0, 255]).buffer);
  await FILES.put("view", new Uint16Array([1, 2]).subarray(1));
  await FILES.put("blob", new Blob(["bl", "ob"]));
  await FILES.put("stream", new Response("streamed").body);
  await FILES.put("empty", null);
  return [bytes(await (await FILES.get("bytes")).arrayBuffer()), bytes(await (await FILES.get("view")).bytes()), await (await FILES.get("blob")).text(), await new Response((await FILES.get("stream")).body).text(), (await FILES.get("empty")).size];
});
r2("get(): text(), json(), arrayBuffer(), blob(), body, bodyUsed; null for none", [{ a: 1 }, 7, 7, true, null], async (r, { FILES }) => {
  await FILES.put("kinds", '{"a":1}');
  const got = await FILES.get("kinds"), json = await got.json();
  return [json, (await (await FILES.get("kinds")).arrayBuffer()).byteLength, (await (await FILES.get("kinds")).blob()).size, got.bodyUsed, await FILES.get("none")];
});
r2("get() of a range: offset, length, suffix, a Range header", ["ell", "lo", "lo", "el"], async (r, { FILES }) => {
  await FILES.put("range", "hello");
  const part = async range => (await FILES.get("range", { range })).text();
  return [await part({ offset: 1, length: 3 }), await part({ offset: 3 }), await part({ suffix: 2 }), await part(new Headers({ range: "bytes=1-2" }))];
});
r2("httpMetadata, customMetadata, writeHttpMetadata()", ["text/x", { by: "us" }, [["cache-control", "no-store"], ["content-type", "text/x"]]], async (r, { FILES }) => {
  await FILES.put("meta", "x", { httpMetadata: { contentType: "text/x", cacheControl: "no-store" }, customMetadata: { by: "us" } });
  const got = await FILES.get("meta"), headers = new Headers();
  got.writeHttpMetadata(headers);
  return [got.httpMetadata.contentType, got.customMetadata, [...headers]];
});
r2("head()", [5, null], async (r, { FILES }) => {
  await FILES.put("head", "hello");
  return [(await FILES.head("head")).size, await FILES.head("none")];
});
r2("list() with prefix, delimiter, limit, cursor, include", [["list/a"], ["list/b/"], true, ["list/c"], false, "text/x"], async (r, { FILES }) => {
  for (const name of ["a", "b/1", "b/2", "c"]) await FILES.put(`list/${name}`, "x", { httpMetadata: { contentType: "text/x" } });
  const first = await FILES.list({ prefix: "list/", delimiter: "/", limit: 2 }), second = await FILES.list({ prefix: "list/", delimiter: "/", cursor: first.cursor, include: ["httpMetadata"] });
  return [first.objects.map(o => o.key), first.delimitedPrefixes, first.truncated, second.objects.map(o => o.key), second.truncated, second.objects[0].httpMetadata.contentType];
});
r2("delete() of one and several", 0, async (r, { FILES }) => {
  for (const name of ["1", "2", "3"]) await FILES.put(`gone/${name}`, "x");
  await FILES.delete("gone/1");
  await FILES.delete(["gone/2", "gone/3", "gone/none"]);
  return (await FILES.list({ prefix: "gone/" })).objects.length;
});
r2("a checksum that does not hold: nothing is stored", ["Error", null], async (r, { FILES }) => [await thrown(() => FILES.put("wrong", "hello", { md5: "0".repeat(32) })), await FILES.get("wrong")]);

conditions("onlyIf of get(): etagMatches, etagDoesNotMatch, headers", ["hello", "no", "no", "no"], async (r, { FILES }) => {
  const { etag, httpEtag } = await FILES.put("when", "hello");
  const got = async onlyIf => { const found = await FILES.get("when", { onlyIf }); return found.body === undefined ? "no" : found.text(); };
  return [await got({ etagMatches: etag }), await got({ etagMatches: "other" }), await got({ etagDoesNotMatch: etag }), await got(new Headers({ "if-none-match": httpEtag }))];
});
conditions("onlyIf of get(): uploadedBefore, uploadedAfter", ["no", "hello"], async (r, { FILES }) => {
  const { uploaded } = await FILES.put("dated", "hello"), past = new Date(uploaded.getTime() - 60_000);
  const got = async onlyIf => { const found = await FILES.get("dated", { onlyIf }); return found.body === undefined ? "no" : found.text(); };
  return [await got({ uploadedBefore: past }), await got({ uploadedAfter: past })];
});
conditions("onlyIf of put()", [null, "two"], async (r, { FILES }) => {
  const { etag } = await FILES.put("swap", "one");
  await FILES.put("swap", "two", { onlyIf: { etagMatches: etag } });
  return [await FILES.put("swap", "three", { onlyIf: { etagMatches: etag } }), await (await FILES.get("swap")).text()];
});
conditions("createMultipartUpload(), resumeMultipartUpload(), uploadPart(), complete()", [5242883, "end"], async (r, { FILES }) => {
  const { uploadId } = await FILES.createMultipartUpload("parts"), upload = FILES.resumeMultipartUpload("parts", uploadId);
  const parts = [await upload.uploadPart(1, new Uint8Array(5 << 20)), await upload.uploadPart(2, "end")];
  const made = await upload.complete(parts);
  return [made.size, await (await FILES.get("parts", { range: { suffix: 3 } })).text()];
});
conditions("abort()", ["Error", null], async (r, { FILES }) => {
  const upload = await FILES.createMultipartUpload("given up"), part = await upload.uploadPart(1, "x");
  await upload.abort();
  return [await thrown(() => upload.complete([part])), await FILES.head("given up")];
});
