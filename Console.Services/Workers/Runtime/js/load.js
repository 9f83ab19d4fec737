// Code comes over the host's socket as one package: a length, a JSON head, then the modules' bytes one after the other.
import { bind, classes, clients, OURS } from "./bindings.js";

const decoder = new TextDecoder();

// Runs inside the worker's isolate, beside its code: answers the host, never visitors. What its env needs comes before its own code.
// It imports nothing by itself: the runtime's own modules take a millisecond of each first request, and memory in each isolate.
const wrapper = (main, env, objects) => `${env ? `import ${JSON.stringify(`./${OURS}env.js`)};\n` : ""}import * as __user from ${JSON.stringify(main)};
export * from ${JSON.stringify(main)};
export default __user.default;
${objects}
export const __host = { async fetch(request) {
  if (request.url === "http://host/evict") (await import("cloudflare:workers")).abortIsolate("evicted by the host");
  return new Response(null, { status: 204 });
} };`;

export async function load(slot, env, ctx) {
  const began = Date.now();
  const response = await env.HOST.fetch("http://host/code/" + encodeURIComponent(slot.key));
  if (!response.ok) throw new Error((await response.text()) || `The code store answered ${response.status}.`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const head = JSON.parse(decoder.decode(bytes.subarray(4, 4 + length)));
  // The guard finds the isolate by its scripts' names.
  const folder = `t/${slot.name}/`;
  const modules = {};
  let at = 4 + length;
  for (const { name, kind, size } of head.modules) {
    const part = bytes.subarray(at, at += size);
    modules[folder + name] = kind === "js" ? decoder.decode(part)
      : kind === "cjs" || kind === "text" ? { [kind]: decoder.decode(part) }
      : kind === "json" ? { json: JSON.parse(decoder.decode(part)) }
      : { [kind]: part.slice().buffer };
  }
  const { text, modules: more } = classes(head), ours = { ...clients(head), ...more };
  for (const [name, code] of Object.entries(ours)) modules[folder + OURS + name] = code;
  const mainModule = folder + "__quarterdeck.js";
  modules[mainModule] = wrapper("./" + head.main, "env.js" in ours, text);
  // Which class an object of a namespace has in this version: it may have had another name in others.
  slot.classes = Object.fromEntries(Object.entries(head.classes ?? {}).map(([ns, { name }]) => [ns, name]));
  slot.subrequests = slot.credit = head.subrequests;
  slot.concurrent = head.concurrent;
  slot.loads++;
  slot.loadMs = Date.now() - began;
  const props = { key: slot.key };
  return {
    compatibilityDate: head.date,
    compatibilityFlags: head.flags,
    mainModule,
    modules,
    env: bind(head, ctx, props),
    globalOutbound: head.subrequests > 0 ? ctx.exports.Egress({ props }) : null,
    tails: head.tail ? [ctx.exports.Tail({ props: { key: head.key } })] : [],
  };
}
