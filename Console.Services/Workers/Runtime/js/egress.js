// Every fetch() of a worker comes here. The host's filter decides where it may go; here it is counted.
import { WorkerEntrypoint } from "cloudflare:workers";
import { slotOf } from "./slots.js";

export class Egress extends WorkerEntrypoint {
  async fetch(request) {
    const { key } = this.ctx.props, slot = slotOf(key);
    if (slot.credit <= 0) throw new Error("Too many subrequests.");
    slot.credit--;
    // As on other platforms, what is too many at once waits; its number is bounded by the credit.
    if (slot.busy >= slot.concurrent) await scheduler.wait(0);
    for (let pause = 1; slot.busy >= slot.concurrent; pause = Math.min(pause * 2, 64)) await scheduler.wait(pause);
    slot.busy++;
    try {
      const headers = new Headers(request.headers);
      headers.set("x-quarterdeck-worker", key);
      const response = await this.env.NET.fetch(request, { headers });
      if (response.headers.get("x-quarterdeck-egress") !== null) throw new Error(`Network connection refused: ${(await response.text()).trim()}`);
      return response;
    } finally {
      slot.busy--;
    }
  }
}
