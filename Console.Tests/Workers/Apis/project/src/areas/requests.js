import { area, bytes, text, thrown } from "../check.js";

const request = area("Requests", "runtime-apis/request/");
const post = body => new Request("https://example.com/a?b=c", { method: "POST", body });
request("new Request()", ["POST", "https://example.com/a?b=c", "text/plain;charset=UTF-8", "1"], () => {
  const made = new Request("https://example.com/a?b=c", { method: "POST", body: "x", headers: { "X-One": "1" } });
  return [made.method, made.url, made.headers.get("content-type"), made.headers.get("x-one")];
});
request("new Request(request, init)", ["PUT", "x"], async () => {
  const changed = new Request(post("x"), { method: "PUT" });
  return [changed.method, await changed.text()];
});
request("clone()", ["body", "body"], async () => {
  const one = post("body"), two = one.clone();
  return [await one.text(), await two.text()];
});
request("bodyUsed; a body is read once", [false, true, "TypeError"], async () => {
  const made = post("x"), before = made.bodyUsed;
  await made.text();
  return [before, made.bodyUsed, await thrown(() => made.text())];
});
request("arrayBuffer(), bytes(), blob(), json()", [[1, 2], [1, 2], 3, { a: 1 }], async () =>
  [bytes(await post(new Uint8Array([1, 2])).arrayBuffer()), [...await post(new Uint8Array([1, 2])).bytes()], (await post("abc").blob()).size, await post('{"a":1}').json()]);
request("formData() of a form", ["1", ["2", "3"]], async () => {
  const form = await post(new URLSearchParams([["a", "1"], ["b", "2"], ["b", "3"]])).formData();
  return [form.get("a"), form.getAll("b")];
});
request("formData() with a file", ["note.txt", "text/plain", "inside"], async () => {
  const form = new FormData();
  form.append("file", new File(["inside"], "note.txt", { type: "text/plain" }));
  const file = (await post(form).formData()).get("file");
  return [file.name, file.type, await file.text()];
});
request("redirect, signal", ["manual", true], () => {
  const made = new Request("https://example.com/", { redirect: "manual", signal: AbortSignal.abort() });
  return [made.redirect, made.signal.aborted];
});
request("cf of a visitor's request", "object", r => typeof r.cf);

const response = area("Responses", "runtime-apis/response/");
response("new Response()", [201, "Made", "1", true, "made"], async () => {
  const made = new Response("made", { status: 201, statusText: "Made", headers: { "X-One": "1" } });
  return [made.status, made.statusText, made.headers.get("x-one"), made.ok, await made.text()];
});
response("Response.json()", ["application/json", '{"a":1}'], async () => {
  const made = Response.json({ a: 1 });
  return [made.headers.get("content-type"), await made.text()];
});
response("Response.redirect()", [301, "https://example.com/there"], () => {
  const made = Response.redirect("https://example.com/there", 301);
  return [made.status, made.headers.get("location")];
});
response("clone()", ["twice", "twice"], async () => {
  const one = new Response("twice"), two = one.clone();
  return [await one.text(), await two.text()];
});
response("a status without a body", [204, null, "TypeError"], async () => [new Response(null, { status: 204 }).status, new Response(null, { status: 204 }).body, await thrown(() => new Response("x", { status: 204 }))]);
response("body of every kind", ["text", "bytes", "blob", "streamed", "a=1"], async () => {
  const stream = new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("streamed")); c.close(); } });
  const bodies = ["text", new TextEncoder().encode("bytes"), new Blob(["blob"]), stream, new URLSearchParams({ a: 1 })];
  return Promise.all(bodies.map(body => text(body)));
});

const headers = area("Headers", "runtime-apis/headers/");
headers("append(), get(), set(), has(), delete()", ["1, 2", "3", true, false, null], () => {
  const h = new Headers({ A: "1" });
  h.append("a", "2");
  const both = h.get("A");
  h.set("a", "3");
  const one = h.get("a"), has = h.has("A");
  h.delete("a");
  return [both, one, has, h.has("a"), h.get("a")];
});
headers("iteration in order, lower case", [["a", "1"], ["b", "2"]], () => [...new Headers([["B", "2"], ["A", "1"]])]);
headers("getSetCookie(), getAll('Set-Cookie')", [["a=1", "b=2"], ["a=1", "b=2"]], () => {
  const h = new Headers();
  h.append("Set-Cookie", "a=1");
  h.append("Set-Cookie", "b=2");
  return [h.getSetCookie(), h.getAll("Set-Cookie")];
});
headers("a name that is none is refused", "TypeError", () => thrown(() => new Headers({ "a b": "1" })));
