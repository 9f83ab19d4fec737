// A worker that calls another one: its code runs in this process, too, as an isolate like any other. Only where one of the two is in a
// cordon the call goes through the host to the other's own process; then requests pass, but no other methods.
import { WorkerEntrypoint } from "cloudflare:workers";
import { open, slotOf } from "./slots.js";

const FRESH_MS = 200; // how long a deployment may take to be seen
const routes = new Map();

export class Service extends WorkerEntrypoint {
  constructor(ctx, env) {
    super(ctx, env);
    return new Proxy(this, {
      get(self, name, receiver) {
        if (name === "fetch") return request => forward(ctx, env, request);
        if (typeof name !== "string" || name in self) return Reflect.get(self, name, receiver);
        return (...args) => call(ctx, env, name, args);
      },
    });
  }
}

async function forward(ctx, env, request) {
  const to = await route(ctx, env);
  if (!to.away) return target(to, ctx, env).then(({ entrypoint, slot }) => counted(slot, to, ctx, env, () => entrypoint.fetch(request)));
  if (ctx.props.entrypoint) throw new Error(`The worker '${ctx.props.worker}' runs in a process of its own now: only its default entrypoint can be reached.`);
  const told = encodeURIComponent(JSON.stringify({ url: request.url, headers: [...request.headers] }));
  return env.HOST.fetch(`http://host/b/service/${encodeURIComponent(ctx.props.worker)}/f`, {
    method: request.method, body: request.body, redirect: "manual", headers: { "x-quarterdeck-worker": ctx.props.key, "x-quarterdeck-request": told },
  });
}

async function call(ctx, env, name, args) {
  const to = await route(ctx, env);
  if (to.away) throw new Error(`The worker '${ctx.props.worker}' runs in a process of its own now: it takes requests, but no calls of '${name}'.`);
  const { entrypoint, slot } = await target(to, ctx, env);
  return counted(slot, to, ctx, env, () => entrypoint[name](...args));
}

async function counted(slot, to, ctx, env, work) {
  slot.used = Date.now();
  slot.live++;
  let call = null;
  try {
    // Where no guard knows whose code runs, the host has to know before it runs.
    if (to.tell) call = await tell(ctx, env, `begin?${slot.key}`);
    return await work();
  } finally {
    slot.live--;
    if (call) ctx.waitUntil(tell(ctx, env, `end?${call}`));
  }
}

async function tell(ctx, env, what) {
  const response = await env.HOST.fetch(`http://host/b/service/${encodeURIComponent(ctx.props.worker)}/${what}`, { headers: { "x-quarterdeck-worker": ctx.props.key } });
  return response.ok ? response.text() : null;
}

async function target(to, ctx, env) {
  let share = Math.random() * 100;
  const [key] = to.versions.find(([, percent]) => (share -= percent) < 0) ?? to.versions[0];
  const slot = slotOf(key);
  if (!slot.open) await open(slot, env, ctx);
  const stub = env.LOADER.get(slot.name, slot.loader);
  return { slot, entrypoint: ctx.props.entrypoint ? stub.getEntrypoint(ctx.props.entrypoint) : stub.getEntrypoint() };
}

// Which versions answer for a name at this moment. What the callee asks of the network it pays from its own allowance, of which a call gives it nothing.
async function route(ctx, env) {
  const { key, worker } = ctx.props, caller = slotOf(key);
  if (caller.credit <= 0) throw new Error("Too many subrequests.");
  caller.credit--;
  const name = `${key} ${worker}`, known = routes.get(name), now = Date.now();
  if (known !== undefined && now - known.at < FRESH_MS) return known.to;
  const response = await env.HOST.fetch(`http://host/b/service/${encodeURIComponent(worker)}/resolve`, { headers: { "x-quarterdeck-worker": key } });
  if (!response.ok) throw new Error((await response.text()).trim());
  const to = await response.json();
  if (routes.size > 10000) routes.clear();
  routes.set(name, { at: now, to });
  return to;
}
