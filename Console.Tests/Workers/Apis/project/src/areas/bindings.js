import { area, bytes, text, thrown } from "../check.js";

const env = area("Variables", "configuration/environment-variables/");
env("text", "ahoy", (r, env) => env.TEXT);
env("JSON", [1, { b: true }], (r, env) => env.SETTINGS.deep);
env("process.env", "ahoy", () => process.env.TEXT);
env("version metadata", ["id", "tag", "timestamp"], (r, env) => Object.keys(env.VERSION).sort());

const kv = area("KV", "../kv/api/");
kv("put(), get() as text, json, arrayBuffer, stream", ["{\"a\":1}", { a: 1 }, 7, "{\"a\":1}"], async (r, { KV }) => {
  await KV.put("kinds", '{"a":1}');
  return [await KV.get("kinds"), await KV.get("kinds", "json"), (await KV.get("kinds", "arrayBuffer")).byteLength, await text(await KV.get("kinds", { type: "stream" }))];
});
kv("put() of bytes and of a stream", [[0, 255], "streamed"], async (r, { KV }) => {
  await KV.put("bytes", new Uint8Array([0, 255]));
  await KV.put("stream", new Response("streamed").body);
  return [bytes(await KV.get("bytes", "arrayBuffer")), await KV.get("stream")];
});
kv("getWithMetadata()", ["v", { m: 1 }, null], async (r, { KV }) => {
  await KV.put("meta", "v", { metadata: { m: 1 } });
  const { value, metadata } = await KV.getWithMetadata("meta");
  return [value, metadata, (await KV.getWithMetadata("none")).value];
});
kv("get() of several keys", [["many1", "1"], ["none", null]], async (r, { KV }) => {
  await KV.put("many1", "1");
  return [...await KV.get(["many1", "none"])];
});
kv("list() with prefix, limit, cursor", [["list/a", "list/b"], false, ["list/c"], true], async (r, { KV }) => {
  for (const name of ["a", "b", "c"]) await KV.put(`list/${name}`, "x");
  const first = await KV.list({ prefix: "list/", limit: 2 }), second = await KV.list({ prefix: "list/", cursor: first.cursor });
  return [first.keys.map(k => k.name), first.list_complete, second.keys.map(k => k.name), second.list_complete];
});
kv("expirationTtl, expiration", [true, "Error"], async (r, { KV }) => {
  await KV.put("soon", "x", { expirationTtl: 3600 });
  const { keys } = await KV.list({ prefix: "soon" });
  return [keys[0].expiration > Date.now() / 1000 + 3000, await thrown(() => KV.put("soon", "x", { expirationTtl: 1 }))];
});
kv("delete()", null, async (r, { KV }) => {
  await KV.put("gone", "x");
  await KV.delete("gone");
  return KV.get("gone");
});

const assets = area("Static assets", "static-assets/binding/");
assets("env.ASSETS.fetch()", [200, "text/html", "<p>a static page</p>\n", 404], async (r, { ASSETS }) => {
  const found = await ASSETS.fetch("https://any/page");
  return [found.status, found.headers.get("content-type").split(";")[0], await found.text(), (await ASSETS.fetch("https://any/none")).status];
});

const service = area("Service bindings", "runtime-apis/bindings/service-bindings/");
service("fetch()", [201, "POST /path sent"], async (r, { CALLEE }) => {
  const answer = await CALLEE.fetch("https://any/path", { method: "POST", body: "sent" });
  return [answer.status, await answer.text()];
});
service("a named entrypoint", 5, (r, { SUMS }) => SUMS.add(2, 3));

const rpc = area("RPC", "runtime-apis/rpc/");
rpc("a method of a WorkerEntrypoint", { text: "hello you" }, (r, { CALLEE }) => CALLEE.hello("you"));
rpc("this.env, this.ctx of an entrypoint", ["object", "function"], (r, { CALLEE }) => CALLEE.own());
rpc("a function as an argument", "called with 7", (r, { CALLEE }) => CALLEE.call(n => `called with ${n}`));
rpc("a function as a result", 12, async (r, { CALLEE }) => { const times = await CALLEE.times(3); return times(4); });
rpc("an RpcTarget keeps its state", [1, 2, 2], async (r, { CALLEE }) => {
  const counter = await CALLEE.counter();
  return [await counter.up(), await counter.up(), await counter.value];
});
rpc("calls on a result that has not come yet", 1, (r, { CALLEE }) => CALLEE.counter().up());
rpc("streams, requests and responses", ["STREAMED", "from a Response"], async (r, { CALLEE }) => [await text(await CALLEE.upper(new Response("streamed").body)), await (await CALLEE.response()).text()]);
rpc("dates, maps, bytes, errors by value", ["2026-01-01T00:00:00.000Z", [["a", 1]], [1, 2]], async (r, { CALLEE }) => {
  const { date, map, data } = await CALLEE.same({ date: new Date("2026-01-01"), map: new Map([["a", 1]]), data: new Uint8Array([1, 2]) });
  return [date.toISOString(), [...map], [...data]];
});
rpc("what a method throws", ["RangeError", "too far"], async (r, { CALLEE }) => {
  try { await CALLEE.fail(); } catch (error) { return [error.name, error.message]; }
});
rpc("Symbol.dispose of a stub", "function", async (r, { CALLEE }) => { using counter = await CALLEE.counter(); return typeof counter[Symbol.dispose]; });
rpc("private members are not called", "TypeError", (r, { CALLEE }) => thrown(() => CALLEE.missing()));
