// While somebody watches a worker, its events go to the host.
import { WorkerEntrypoint } from "cloudflare:workers";

const MOST_LOGS = 256, MOST_TEXT = 16384;

export class Tail extends WorkerEntrypoint {
  async tail(events) {
    // The host's own calls of the isolate are nobody's business.
    const told = events.filter(e => e.entrypoint !== "__host").map(describe);
    if (told.length === 0) return;
    await this.env.HOST.fetch("http://host/tail/" + encodeURIComponent(this.ctx.props.key), { method: "POST", body: JSON.stringify(told) });
  }
}

function describe(e) {
  const request = e.event?.request;
  return {
    outcome: e.outcome, eventTimestamp: e.eventTimestamp, cpuTime: e.cpuTime, wallTime: e.wallTime,
    event: {
      request: request && { method: request.method, url: request.url, headers: { "x-request-id": request.headers?.["x-request-id"] } },
      response: e.event?.response && { status: e.event.response.status },
      cron: e.event?.cron, queue: e.event?.queue, scheduledTime: e.event?.scheduledTime,
    },
    logs: e.logs.slice(0, MOST_LOGS).map(l => ({ timestamp: l.timestamp, level: l.level, message: cut(l.message) })),
    exceptions: e.exceptions.slice(0, 16).map(x => ({ timestamp: x.timestamp, name: x.name, message: cut(x.message), stack: cut(x.stack) })),
    truncated: e.truncated || e.logs.length > MOST_LOGS,
  };
}

// A line may hold a whole document.
function cut(value) {
  if (typeof value === "string") return value.length > MOST_TEXT ? value.slice(0, MOST_TEXT) : value;
  if (Array.isArray(value)) return value.slice(0, 64).map(part => typeof part === "string" ? cut(part) : part);
  return value;
}
