import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";

class Counter extends RpcTarget {
  #n = 0;
  up() { return ++this.#n; }
  get value() { return this.#n; }
}

export class Sums extends WorkerEntrypoint {
  add(a, b) { return a + b; }
}

// The worker that others are bound to.
export default class extends WorkerEntrypoint {
  async fetch(request) { return new Response(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`, { status: 201 }); }
  hello(name) { return { text: `hello ${name}` }; }
  own() { return [typeof this.env, typeof this.ctx.waitUntil]; }
  call(back) { return back(7); }
  times(n) { return m => n * m; }
  counter() { return new Counter(); }
  upper(stream) { return stream.pipeThrough(new TransformStream({ transform(part, c) { c.enqueue(new TextEncoder().encode(new TextDecoder().decode(part).toUpperCase())); } })); }
  response() { return new Response("from a Response"); }
  same(value) { return value; }
  fail() { throw new RangeError("too far"); }
}
