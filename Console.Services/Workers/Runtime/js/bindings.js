// What a version finds in its env. Plain values come with the code; every other kind is an entrypoint here that speaks to the host
// under /b/KIND/, with the worker's key from its props: the worker itself cannot say whose key it is.
import { WorkerEntrypoint } from "cloudflare:workers";

// kind of a binding -> name of the entrypoint that serves it
const ENTRYPOINTS = {};

export function bind(head, ctx, props) {
  const env = { ...head.env };
  for (const { name, kind, value } of head.bindings) {
    const entrypoint = ENTRYPOINTS[kind];
    if (entrypoint === undefined) throw new Error(`The binding '${name}' is of the kind '${kind}', which this compute server does not have.`);
    env[name] = ctx.exports[entrypoint]({ props: { ...props, binding: name, value } });
  }
  return env;
}

// Asks the host's service for a kind; what its entrypoints are built on.
export class HostBinding extends WorkerEntrypoint {
  async fetch() { return new Response("This binding takes no requests.\n", { status: 405 }); }
}

export function ask(entrypoint, path, init = {}) {
  const headers = new Headers(init.headers);
  headers.set("x-quarterdeck-worker", entrypoint.ctx.props.key);
  return entrypoint.env.HOST.fetch("http://host/b/" + path, { ...init, headers });
}
