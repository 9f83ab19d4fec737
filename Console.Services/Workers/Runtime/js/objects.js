// The way from a worker to its durable objects. They live in one process of one node, which the console knows; this one reaches it over a lane,
// a socket that the console joins to the objects of one worker at a time.
import { WorkerEntrypoint } from "cloudflare:workers";
import { slotOf } from "./slots.js";
import { gate } from "./gate.js";

const FRESH_MS = 2000;
const ways = new Map();

export class ObjectDoor extends WorkerEntrypoint {
  fetch(request) {
    // What a worker says of alarms is its own business: only the host rings them.
    const headers = new Headers(request.headers), at = JSON.parse(decodeURIComponent(headers.get("x-quarterdeck-object")));
    return this.#over(at, (lane, to) => {
      headers.set("x-quarterdeck-object", encodeURIComponent(JSON.stringify(to)));
      return lane.fetch(new Request(request, { headers, redirect: "manual" }));
    });
  }

  call(at, path, args) { return this.#over(at, (lane, to) => lane.call(to, path, args)); }

  read(at, path) { return this.#over(at, (lane, to) => lane.read(to, path)); }

  async #over({ id, name }, use) {
    const { key, ns } = this.ctx.props, slot = slotOf(key);
    if (slot.credit <= 0) throw new Error("Too many subrequests.");
    slot.credit--;
    const { lane, serial } = await way(this.env, key, ns), to = { serial, ns, id, name };
    try {
      return await use(lane === null ? gate(this.env, this.ctx) : this.env[`LANE${lane}`], to);
    } catch (error) {
      // Whatever it was, the next call asks again where the objects are.
      ways.delete(ns);
      throw error;
    }
  }
}

// lane: its number; null when the objects are in this very process.
async function way(env, key, ns) {
  const known = ways.get(ns), now = Date.now();
  if (known !== undefined && now - known.at < FRESH_MS) return known.to;
  const response = await env.HOST.fetch(`http://host/b/objects/way/${encodeURIComponent(ns)}`, { headers: { "x-quarterdeck-worker": key } });
  if (!response.ok) throw new Error((await response.text()).trim());
  const to = await response.json();
  ways.set(ns, { at: now, to });
  return to;
}
