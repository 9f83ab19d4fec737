// Keeps one durable object: runs its class as a facet, so that the storage lives by the console's rules and the code by the worker's.
import { DurableObject } from "cloudflare:workers";
import { slotOf } from "./slots.js";
import { directoryOf } from "./directory.js";

const FACET = "object", DRAIN_MS = 5000;

export class Objects extends DurableObject {
  #key; #at = 0; #live = 0; #swap = null; #known = false;

  async call(now, path, args) {
    return this.#run(now, facet => {
      const last = path.length - 1;
      return path.slice(0, last).reduce((target, name) => target[name], facet)[path[last]](...args);
    });
  }

  async read(now, path) { return this.#run(now, facet => path.reduce((target, name) => target[name], facet)); }

  async fetch(request) {
    const headers = new Headers(request.headers), now = JSON.parse(decodeURIComponent(headers.get("x-quarterdeck-object")));
    for (const name of [...headers.keys()]) if (name.startsWith("x-quarterdeck-")) headers.delete(name);
    return this.#run(now, facet => facet.fetch(new Request(request, { headers, redirect: "manual" })));
  }

  async wake(now, info) {
    const response = await this.#run(now, facet => facet.fetch(new Request("http://object/", { headers: { "x-quarterdeck-alarm": JSON.stringify(info) } })));
    if (!response.ok) throw new Error(`The alarm answered ${response.status}.`);
  }

  // The object and all that it stored.
  async destroy() {
    this.ctx.facets.delete(FACET);
    this.#key = undefined;
    this.#known = false;
    await this.ctx.storage.deleteAll();
  }

  async #run(now, use) {
    if (!this.#known) await this.#register(now);
    await this.#become(now);
    this.#live++;
    try { return await use(this.#facet(now)); } finally { this.#live--; }
  }

  #facet({ ns, id, name, cls }) {
    const { env, ctx } = this, slot = slotOf(this.#key);
    return ctx.facets.get(FACET, () => ({
      id, class: env.LOADER.get(slot.name, slot.loader).getDurableObjectClass(cls, { props: { id, name, most: env.MOST, host: ctx.exports.ObjectHost({ props: { ns, id } }) } }),
    }));
  }

  async #register({ ns, id, name }) {
    if (!this.ctx.storage.kv.get("known")) {
      await directoryOf(this.env).add({ ns, id, name, file: this.ctx.id.toString() });
      this.ctx.storage.kv.put("known", true);
    }
    // Sockets keep a facet while its keeper sleeps, so what it runs is written down.
    this.#key = this.ctx.storage.kv.get("runs");
    this.#known = true;
  }

  // Another version's code takes over between two calls: what is under way may end first, what comes meanwhile waits.
  async #become({ key, at }) {
    while (this.#swap !== null) await this.#swap;
    if (this.#key === key || at < this.#at) return;
    this.#at = at;
    this.#swap = this.#exchange(key);
    try { await this.#swap; } finally { this.#swap = null; }
  }

  async #exchange(key) {
    for (let waited = 0; this.#live > 0 && waited < DRAIN_MS; waited += 20) await scheduler.wait(20);
    if (this.#key !== undefined) this.ctx.facets.abort(FACET, new Error("Another version of the object's class was deployed."));
    this.ctx.storage.kv.put("runs", this.#key = key);
  }
}
