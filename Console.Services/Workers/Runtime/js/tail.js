// While somebody watches a worker, its events go to the host.
import { WorkerEntrypoint } from "cloudflare:workers";

export class Tail extends WorkerEntrypoint {
  async tail(events) {
    const body = JSON.stringify(events.map(e => ({
      outcome: e.outcome, at: e.eventTimestamp, cpu: e.cpuTime ?? 0, wall: e.wallTime ?? 0, event: describe(e.event),
      logs: e.logs.map(l => ({ level: l.level, at: l.timestamp, message: l.message })),
      exceptions: e.exceptions.map(x => ({ name: x.name, message: x.message, stack: x.stack, at: x.timestamp })),
    })));
    await this.env.HOST.fetch("http://host/tail/" + encodeURIComponent(this.ctx.props.key), { method: "POST", body });
  }
}

function describe(event) {
  if (event?.request) return { kind: "fetch", method: event.request.method, url: event.request.url, status: event.response?.status ?? null };
  if (event?.cron !== undefined) return { kind: "scheduled", url: event.cron };
  if (event?.queue !== undefined) return { kind: "queue", url: event.queue };
  return { kind: "other" };
}
