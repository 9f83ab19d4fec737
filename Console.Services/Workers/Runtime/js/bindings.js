// What a version finds in its env. Plain values come with the code. Of every other kind the worker gets a way to the host, under /b/KIND/,
// with its key in the props, where the worker cannot change it; the API that it sees is made inside its own isolate by a client module.
import { WorkerEntrypoint } from "cloudflare:workers";
import { slotOf } from "./slots.js";
import bucket from "./client-bucket.js";
import cache from "./client-cache.js";
import hash from "./client-hash.js";
import kv from "./client-kv.js";
import object from "./client-object.js";
import objects from "./client-objects.js";
import queue from "./client-queue.js";

// kind of a binding -> what it is about, its client's class and module; without a client it is just fetched from
const KINDS = {
  assets: { scope: () => "files" },
  bucket: { scope: value => value.bucket, client: "R2Bucket", file: "bucket.js", code: bucket },
  durableObject: { door: "ObjectDoor", props: value => ({ ns: value.key }), client: "DurableObjectNamespace", file: "objects.js", code: objects, beside: { "hash.js": hash } },
  kv: { scope: value => value.namespace, client: "KvNamespace", file: "kv.js", code: kv },
  queue: { scope: value => value.queue, client: "Queue", file: "queue.js", code: queue },
};

export const OURS = "__quarterdeck/";

// Not a binding of the worker's: what its global caches speak to, made for code that names them, and taken out of its env before its own code runs.
const CACHES = "__quarterdeck_caches";

const kindOf = ({ name, kind }) => KINDS[kind] ?? unknown(name, kind);

function unknown(name, kind) { throw new Error(`The binding '${name}' is of the kind '${kind}', which this compute server does not have.`); }

export function bind(head, ctx, props) {
  const env = { ...head.env };
  if (head.caches) env[CACHES] = ctx.exports.HostBinding({ props: { ...props, path: "cache/own" } });
  for (const binding of head.bindings)
    if (binding.kind === "service") env[binding.name] = ctx.exports.Service({ props: { ...props, ...binding.value } });
    else if (kindOf(binding).door) env[binding.name] = ctx.exports[kindOf(binding).door]({ props: { ...props, ...kindOf(binding).props(binding.value) } });
    else env[binding.name] = ctx.exports.HostBinding({ props: { ...props, path: `${binding.kind}/${encodeURIComponent(kindOf(binding).scope(binding.value))}` } });
  return env;
}

// Modules that run before the worker's own and give its env the APIs; by the names under which the wrapper finds them.
export function clients(head) {
  const bindings = head.bindings.filter(b => b.kind !== "service" && kindOf(b).client);
  if (bindings.length === 0 && !head.caches) return {};
  const used = new Set(bindings.map(kindOf));
  const imports = [...used].map(k => `import { ${k.client} } from "./${k.file}";`);
  const made = bindings.map(b => `env[${JSON.stringify(b.name)}] = new ${kindOf(b).client}(env[${JSON.stringify(b.name)}], ${JSON.stringify(b.value)});`);
  if (head.caches) {
    imports.push(`import { CacheStorage } from "./cache.js";`);
    made.push(`Object.defineProperty(globalThis, "caches", { value: new CacheStorage(env.${CACHES}), configurable: true, enumerable: true });\ndelete env.${CACHES};`);
  }
  return Object.fromEntries([["env.js", `import { env } from "cloudflare:workers";\n${[...imports, ...made].join("\n")}\n`], ...[...used].flatMap(k => [[k.file, k.code], ...Object.entries(k.beside ?? {})]), ...head.caches ? [["cache.js", cache]] : []]);
}

// The classes of a version's own durable objects, wrapped as the host runs them: `export`s of the main module, and the modules that they need.
export function classes(head) {
  const all = Object.values(head.classes ?? {});
  const made = all.map(({ name, bound }, i) => `const __${i} = __object(__user.${name}, ${JSON.stringify(name)}, ${bound}); export { __${i} as ${name} };`);
  return all.length === 0 ? { text: "", modules: {} } : { text: `import { object as __object } from ${JSON.stringify(`./${OURS}object.js`)};\n${made.join("\n")}`, modules: { "object.js": object } };
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
