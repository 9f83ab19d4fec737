// The only static worker of a compute server: hands each request to the isolate of its version.
// On the hot path nothing is copied or parsed: the original request goes on, the loader answers from its cache.
import { slotOf, first, failed } from "./slots.js";
export { Egress } from "./egress.js";
export { Tail } from "./tail.js";
export { HostBinding } from "./bindings.js";
export { Service } from "./service.js";
export { ObjectDoor } from "./objects.js";
export { admin } from "./admin.js";

export default {
  async fetch(request, env, ctx) {
    const slot = slotOf(request.headers.get("x-quarterdeck-worker"));
    if (slot === null) return new Response("No worker was named.\n", { status: 404, headers: { "x-quarterdeck-outcome": "internal" } });
    slot.used = Date.now();
    // Subrequests are paid from credit: a request brings its worker's allowance, and an idle worker never saves up more than one.
    slot.credit = slot.live++ === 0 ? slot.subrequests : slot.credit + slot.subrequests;
    try {
      return await (slot.open ? env.LOADER.get(slot.name, slot.loader).getEntrypoint().fetch(request) : first(slot, env, ctx, request));
    } catch (error) {
      return await failed(slot, env, error);
    } finally {
      slot.live--;
      if (slot.credit > slot.subrequests * slot.live) slot.credit = Math.max(slot.subrequests * slot.live, Math.min(slot.credit, slot.subrequests));
    }
  },
};
