// What a version finds in its env. Plain values come with the code. Of every other kind the worker gets a way to the host, under /b/KIND/,
// with its key in the props, where the worker cannot change it; the API that it sees is made inside its own isolate by a client module.
import { WorkerEntrypoint } from "cloudflare:workers";
import { slotOf } from "./slots.js";
import kv from "./client-kv.js";

// kind of a binding -> what it is about, its client's class and module; without a client it is just fetched from
const KINDS = {
  assets: { scope: () => "files" },
  kv: { scope: value => value.namespace, client: "KvNamespace", file: "kv.js", code: kv },
};

const kindOf = ({ name, kind }) => KINDS[kind] ?? unknown(name, kind);

function unknown(name, kind) { throw new Error(`The binding '${name}' is of the kind '${kind}', which this compute server does not have.`); }

export function bind(head, ctx, props) {
  const env = { ...head.env };
  for (const binding of head.bindings)
    if (binding.kind === "service") env[binding.name] = ctx.exports.Service({ props: { ...props, ...binding.value } });
    else env[binding.name] = ctx.exports.HostBinding({ props: { ...props, path: `${binding.kind}/${encodeURIComponent(kindOf(binding).scope(binding.value))}` } });
  return env;
}

// Modules that run before the worker's own and give its env the APIs; by the names under which the wrapper finds them.
export function clients(head) {
  const bindings = head.bindings.filter(b => b.kind !== "service" && kindOf(b).client);
  if (bindings.length === 0) return {};
  const used = new Set(bindings.map(kindOf));
  const imports = [...used].map(k => `import { ${k.client} } from "./${k.file}";`);
  const made = bindings.map(b => `env[${JSON.stringify(b.name)}] = new ${kindOf(b).client}(env[${JSON.stringify(b.name)}]);`);
  return Object.fromEntries([["env.js", `import { env } from "cloudflare:workers";\n${[...imports, ...made].join("\n")}\n`], ...[...used].map(k => [k.file, k.code])]);
}

// Asks the host's service for a kind. A call counts as a subrequest.
export class HostBinding extends WorkerEntrypoint {
  async fetch(request) {
    const { key, path } = this.ctx.props, slot = slotOf(key), { pathname, search } = new URL(request.url);
    if (slot.credit <= 0) throw new Error("Too many subrequests.");
    slot.credit--;
    const headers = new Headers(request.headers);
    headers.set("x-quarterdeck-worker", key);
    return this.env.HOST.fetch(`http://host/b/${path}${pathname}${search}`, { method: request.method, headers, body: request.body, redirect: "manual" });
  }
}
