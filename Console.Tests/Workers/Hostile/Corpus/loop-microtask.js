// Each microtask queues the next: the turn never ends.
export default { async fetch() { const next = () => Promise.resolve().then(next); await next(); return new Response("never"); } };
