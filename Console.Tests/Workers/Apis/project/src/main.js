import { WorkerEntrypoint } from "cloudflare:workers";
import { areas } from "./check.js";
import { seen } from "./seen.js";
import { handle } from "./queues.js";
export { Room } from "./objects.js";
import "./areas/requests.js";
import "./areas/fetch.js";
import "./areas/encoding.js";
import "./areas/streams.js";
import "./areas/crypto.js";
import "./areas/html.js";
import "./areas/standards.js";
import "./areas/modules.js";
import "./areas/bindings.js";
import "./areas/buckets.js";
import "./areas/cache.js";
import "./areas/objects.js";
import "./areas/node.js";

export default {
  // "/" lists the checks, "/AREA/NUMBER" makes one, "/seen/NAME" is looked at from outside.
  async fetch(request, env, ctx) {
    const [, first, second] = new URL(request.url).pathname.split("/");
    if (first === "") return Response.json(areas.map(({ title, page, checks }) => ({ title, page, checks: checks.map(({ api, expected, why }) => ({ api, expected: JSON.stringify(expected), why })) })));
    if (first === "seen") return seen[second](request, env, ctx);
    try {
      return new Response(JSON.stringify(await areas[first].checks[second].run(request, env, ctx)) ?? "undefined");
    } catch (error) {
      return new Response(`${error}`, { status: 500 });
    }
  },
  queue: handle,
};

// What ctx.exports finds.
export class Loop extends WorkerEntrypoint {
  hello() { return "from an entrypoint of its own"; }
}
