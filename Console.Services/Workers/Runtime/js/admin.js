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
          slot.used = Date.now();
          const entrypoint = slot.open ? env.LOADER.get(slot.name, slot.loader).getEntrypoint() : await open(slot, env, ctx);
          return Response.json(await entrypoint.scheduled({ cron: url.searchParams.get("cron"), scheduledTime: new Date(Number(url.searchParams.get("at"))) }));
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
  if (slot.open) {
    const stub = env.LOADER.get(slot.name, slot.loader);
    reopen(slot);
    // The call never returns: its isolate ends under it.
    try { await stub.getEntrypoint("__host").evict(); } catch { }
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
