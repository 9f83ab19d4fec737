// What the console asks of a compute server, on a socket of its own.
import { directoryOf } from "./directory.js";
import { all, forget, open, reopen, slotOf } from "./slots.js";

export const admin = {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (url.pathname === "/ping") return new Response("pong");
    if (url.pathname === "/list") return Response.json([...all()].map(s => ({ key: s.key, open: s.open, used: s.used, live: s.live, loads: s.loads, loadMs: s.loadMs, failure: s.failure })));
    if (url.pathname.startsWith("/objects/") && env.DIRECTORY) return Response.json(await ofObjects(url.pathname.slice("/objects/".length), url.searchParams, directoryOf(env)));
    // The loader's name of an isolate is its key, and a number after each failed load or eviction.
    const slot = slotOf(url.searchParams.get("key")?.split("~")[0] ?? null);
    if (slot === null) return new Response("No worker was named.", { status: 404 });
    try {
      switch (url.pathname) {
        case "/load":
          if (!slot.open) await open(slot, env, ctx);
          return Response.json({ loadMs: slot.loadMs });
        case "/evict":
          return await evict(slot, env);
        case "/scheduled": {
          const event = { cron: url.searchParams.get("cron"), scheduledTime: new Date(Number(url.searchParams.get("at"))) };
          return Response.json(await called(slot, env, ctx, entrypoint => entrypoint.scheduled(event)));
        }
        case "/queue": {
          const messages = unpacked(await request.arrayBuffer());
          return Response.json(await called(slot, env, ctx, entrypoint => entrypoint.queue(url.searchParams.get("queue"), messages)));
        }
      }
    } catch (error) {
      return new Response(String(error?.message ?? error), { status: 422 });
    }
    return new Response("There is no such call.", { status: 404 });
  },
};

async function evict(slot, env) {
  forget(slot.key);
  if (slot.open || slot.live > 0) {
    const stub = env.LOADER.get(slot.name, slot.loader);
    reopen(slot);
    // The call never returns: its isolate ends under it.
    try { await stub.getEntrypoint("__host").fetch("http://host/evict"); } catch { }
  }
  return new Response("evicted");
}

function ofObjects(call, asked, directory) {
  switch (call) {
    case "next": return directory.next();
    case "counts": return directory.counts();
    case "list": return directory.list(asked.get("ns"), asked.get("after") ?? "", Number(asked.get("limit")));
    case "remove": return directory.remove(asked.get("ns"), asked.get("id"));
  }
  throw new Error(`There is no call '${call}'.`);
}

// A call brings its worker's allowance of subrequests, as a request does.
async function called(slot, env, ctx, call) {
  slot.used = Date.now();
  const entrypoint = slot.open ? env.LOADER.get(slot.name, slot.loader).getEntrypoint() : await open(slot, env, ctx);
  slot.credit = slot.live++ === 0 ? slot.subrequests : slot.credit + slot.subrequests;
  try { return await call(entrypoint); } finally {
    slot.live--;
    slot.credit = Math.min(slot.credit, slot.subrequests * Math.max(1, slot.live));
  }
}

// Messages as the console packs them: the head's length, the head, then serialised bodies, which become values in the worker's isolate only.
function unpacked(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  let at = 4 + length;
  return JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))).map(({ id, at: sent, attempts, size }) =>
    ({ id, timestamp: new Date(sent), attempts, serializedBody: new Uint8Array(buffer.slice(at, at += size)) }));
}
