// Looked at from outside: what a visitor sends and gets.
import { waitUntil } from "cloudflare:workers";
import { sends } from "./queues.js";

export const seen = {
  request: async request => Response.json([request.method, new URL(request.url).pathname + new URL(request.url).search, new URL(request.url).host, request.headers.get("x-one"), await request.text()]),
  visitor: request => Response.json([request.headers.get("cf-connecting-ip"), request.headers.get("x-forwarded-proto"), request.headers.get("host")]),
  cf: request => Response.json([request.cf.httpProtocol, request.cf.country ?? null]),
  answer: () => new Response("short and stout", { status: 418, statusText: "I'm a teapot", headers: [["X-One", "1"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]] }),
  redirect: request => Response.redirect(new URL("/there", request.url), 307),
  nothing: () => new Response(null, { status: 204 }),
  length: () => new Response("head", { headers: { "x-two": "2" } }),
  gzip: () => new Response("squeezed ".repeat(100), { headers: { "Content-Encoding": "gzip" } }),
  manual: () => new Response("as it is", { encodeBody: "manual", headers: { "Content-Encoding": "x-own" } }),
  upload: async request => {
    let n = 0;
    for await (const part of request.body) n += part.byteLength;
    return new Response(String(n));
  },
  // The rest of the answer comes only when the visitor has told by another request that the first part arrived.
  stream(request, env, ctx) {
    const { readable, writable } = new TransformStream(), writer = writable.getWriter();
    ctx.waitUntil((async () => {
      await writer.write(new TextEncoder().encode("first "));
      while (await env.KV.get("streamed") === null) await scheduler.wait(20);
      await writer.write(new TextEncoder().encode("second"));
      await writer.close();
    })());
    return new Response(readable);
  },
  streamed: async (request, env) => { await env.KV.put("streamed", "yes"); return new Response("told"); },
  later(request, env, ctx) {
    ctx.waitUntil((async () => { await scheduler.wait(50); await env.KV.put("after", "waitUntil() of ctx"); })());
    waitUntil((async () => { await scheduler.wait(50); await env.KV.put("after2", "waitUntil() of the module"); })());
    return new Response("answered");
  },
  after: async (request, env) => Response.json([await env.KV.get("after"), await env.KV.get("after2")]),
  // Tells by KV that the visitor went away.
  leave(request, env, ctx) {
    request.signal.addEventListener("abort", () => ctx.waitUntil(env.KV.put("left", "aborted")));
    return new Response(new ReadableStream({ async pull(c) { await scheduler.wait(50); c.enqueue(new TextEncoder().encode(".")); } }));
  },
  left: async (request, env) => new Response(await env.KV.get("left") ?? "not yet"),
  socket(request) {
    if (request.headers.get("upgrade") !== "websocket") return new Response("Expected a web socket", { status: 426 });
    const [client, server] = Object.values(new WebSocketPair());
    server.binaryType = "arraybuffer";
    server.accept();
    server.addEventListener("message", ({ data }) => {
      if (data === "bye") server.close(3001, "so long");
      else server.send(typeof data === "string" ? `heard ${data}` : new Uint8Array(data).map(b => b + 1));
    });
    return new Response(null, { status: 101, webSocket: client });
  },
  // A web socket that a durable object holds while it sleeps.
  room: (request, env) => env.ROOM.getByName("sockets").fetch(request),
  sent: async (request, env) => { await sends[new URL(request.url).search.slice(1)](env.QUEUE); return new Response("sent"); },
  handled: async (request, env) => Response.json(await Promise.all(new URL(request.url).search.slice(1).split(",").map(name => env.KV.get(`queue ${name}`, "json")))),
  ring: async (request, env) => { await env.ROOM.getByName("alarm").storage("ring"); return new Response("set"); },
  rang: async (request, env) => new Response(await env.ROOM.getByName("alarm").storage("rang") ? "rang" : "not yet"),
  fail: () => { throw new Error("on purpose"); },
};
