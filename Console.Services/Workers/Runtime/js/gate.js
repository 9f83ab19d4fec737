// Where calls of durable objects arrive, in the one process that has them: finds out which version runs an object, and hands the call to its keeper.
import { WorkerEntrypoint } from "cloudflare:workers";
import { open, slotOf } from "./slots.js";

const OBJECT = "x-quarterdeck-object", FRESH_MS = 200; // how long a deployment may take to be seen
const versions = new Map();

export class objects extends WorkerEntrypoint {
  fetch(request) { return gate(this.env, this.ctx).fetch(request); }
  call(to, path, args) { return gate(this.env, this.ctx).call(to, path, args); }
  read(to, path) { return gate(this.env, this.ctx).read(to, path); }
}

export const gate = (env, ctx) => ({
  fetch(request) {
    const headers = new Headers(request.headers);
    return through(env, ctx, JSON.parse(decodeURIComponent(headers.get(OBJECT))), (keeper, now) => {
      headers.set(OBJECT, encodeURIComponent(JSON.stringify(now)));
      return keeper.fetch(new Request(request, { headers, redirect: "manual" }));
    });
  },
  call: (to, path, args) => through(env, ctx, to, (keeper, now) => keeper.call(now, path, args)),
  read: (to, path) => through(env, ctx, to, (keeper, now) => keeper.read(now, path)),
  alarm: (to, info) => through(env, ctx, to, (keeper, now) => keeper.wake(now, info)),
});

export const keeperOf = (env, ns, id) => env.OBJECTS.get(env.OBJECTS.idFromName(`${ns}/${id}`));

async function through(env, ctx, { serial, ns, id, name }, use) {
  if (serial !== env.SERIAL) throw new Error("The object has moved; call it again.");
  const { key, cls, at } = await versionOf(env, ns, id), slot = slotOf(key);
  slot.used = Date.now();
  slot.credit = slot.live++ === 0 ? slot.subrequests : slot.credit + slot.subrequests;
  try {
    if (!slot.open) await open(slot, env, ctx);
    return await use(keeperOf(env, ns, id), { ns, id, name, key, cls: slot.classes?.[ns] ?? cls, at });
  } finally {
    slot.live--;
    if (slot.credit > slot.subrequests * slot.live) slot.credit = Math.max(slot.subrequests * slot.live, Math.min(slot.credit, slot.subrequests));
  }
}

// Of a split deployment each object belongs to one side, always the same.
async function versionOf(env, ns, id) {
  const now = Date.now();
  let known = versions.get(ns);
  if (known === undefined || now - known.read >= FRESH_MS) {
    const response = await env.HOST.fetch(`http://host/b/objects/version/${encodeURIComponent(ns)}`, { headers: { "x-quarterdeck-worker": `${env.SERIAL}@0` } });
    if (!response.ok) throw new Unavailable((await response.text()).trim());
    versions.set(ns, known = { ...await response.json(), read: now });
  }
  let share = parseInt(id.slice(0, 8), 16) % 100;
  const [key] = known.versions.find(([, percent]) => (share -= percent) < 0) ?? known.versions[0];
  return { key, cls: known.class, at: known.at };
}

export class Unavailable extends Error { }
