// Memory outside the heap in many short turns.
const kept = [];
export default { async fetch() { for (;;) { const buffer = new Uint8Array(4 << 20); buffer.fill(1); kept.push(buffer); await scheduler.wait(1); } } };
