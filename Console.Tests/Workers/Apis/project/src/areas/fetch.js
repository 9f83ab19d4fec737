import { area, text, thrown } from "../check.js";
import { connect } from "cloudflare:sockets";

// The test's own server outside: /echo, /redirect, /slow, /events, /socket.
const at = (request, path) => new URL(request.url).searchParams.get("origin") + path;

const check = area("Subrequests", "runtime-apis/fetch/");
check("fetch()", [200, "GET /echo?q=1 ", "1"], async r => {
  const answer = await fetch(at(r, "/echo?q=1"), { headers: { "x-one": "1" } });
  return [answer.status, await answer.text(), answer.headers.get("x-one-seen")];
});
check("fetch() with a body", "POST /echo sent", async r => text((await fetch(at(r, "/echo"), { method: "POST", body: "sent" })).body));
check("fetch() with a streamed body", "PUT /echo part one, part two", async r => {
  const { readable, writable } = new TransformStream(), writer = writable.getWriter();
  const answer = fetch(at(r, "/echo"), { method: "PUT", body: readable });
  await writer.write(new TextEncoder().encode("part one, "));
  await writer.write(new TextEncoder().encode("part two"));
  await writer.close();
  return text((await answer).body);
});
check("a visitor's request passed on", "GET /echo ", async r => text((await fetch(new Request(at(r, "/echo"), r))).body));
check("redirect: \"follow\"", [200, true, "GET /echo "], async r => {
  const answer = await fetch(at(r, "/redirect"));
  return [answer.status, answer.redirected, await answer.text()];
});
check("redirect: \"manual\"", [302, "/echo"], async r => {
  const answer = await fetch(at(r, "/redirect"), { redirect: "manual" });
  return [answer.status, answer.headers.get("location")];
});
check("signal ends a fetch()", ["AbortError", "TimeoutError"], async r => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  return [await thrown(() => fetch(at(r, "/slow"), { signal: controller.signal })), await thrown(() => fetch(at(r, "/slow"), { signal: AbortSignal.timeout(20) }))];
});
check("gzip is undone, and the body reads as text", ["gzip", "squeezed"], async r => {
  const answer = await fetch(at(r, "/gzip"));
  return [answer.headers.get("content-encoding"), await answer.text()];
});
check("a response is streamed on as it comes", "first second", async r => text((await fetch(at(r, "/parts"))).body.pipeThrough(new TransformStream())));

const events = area("EventSource", "runtime-apis/eventsource/");
events("new EventSource()", ["hello", "named:there"], r => new Promise((done, fail) => {
  const source = new EventSource(at(r, "/events")), got = [];
  source.onmessage = e => got.push(e.data);
  source.onerror = () => fail(new Error("the source failed"));
  source.addEventListener("named", e => { source.close(); done([...got, `named:${e.data}`]); });
}));
events("EventSource.from()", "hello", async r => {
  const source = EventSource.from((await fetch(at(r, "/events"))).body);
  return new Promise(done => { source.onmessage = e => done(e.data); });
});

const sockets = area("WebSockets", "runtime-apis/websockets/");
sockets("WebSocketPair", ["to the server", "to the client", 3000], async () => {
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  client.accept();
  const next = socket => new Promise(done => socket.addEventListener("message", e => done(e.data), { once: true }));
  const first = next(server);
  client.send("to the server");
  const heard = await first, second = next(client);
  server.send("to the client");
  const answered = await second, closed = new Promise(done => server.addEventListener("close", e => done(e.code)));
  client.close(3000, "done");
  return [heard, answered, await closed];
});
const conversation = socket => new Promise((done, fail) => {
  socket.addEventListener("message", e => { socket.close(1000); done(e.data); });
  socket.addEventListener("error", () => fail(new Error("the socket failed")));
});
sockets("fetch() with Upgrade: websocket", "echo ahoy", async r => {
  const { webSocket } = await fetch(at(r, "/socket"), { headers: { Upgrade: "websocket" } });
  webSocket.accept();
  const answer = conversation(webSocket);
  webSocket.send("ahoy");
  return answer;
});
sockets("new WebSocket(url)", "echo ahoy", async r => {
  const socket = new WebSocket(at(r, "/socket").replace("http", "ws"));
  const answer = conversation(socket);
  socket.addEventListener("open", () => socket.send("ahoy"));
  return answer;
});

const tcp = area("TCP sockets", "runtime-apis/tcp-sockets/");
tcp.missing("connect()", "a compute server has no network; everything leaves as HTTP through the filter", "HTTP/1.1 200 OK", async r => {
  const { hostname, port } = new URL(at(r, "/"));
  const socket = connect({ hostname, port: Number(port) });
  const writer = socket.writable.getWriter();
  await writer.write(new TextEncoder().encode("GET /echo HTTP/1.0\r\n\r\n"));
  return (await text(socket.readable)).slice(0, 15);
});
