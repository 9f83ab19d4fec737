// Memory outside the heap, touched, in one turn.
const kept = [];
export default { fetch() { for (;;) { const buffer = new Uint8Array(4 << 20); buffer.fill(1); kept.push(buffer); } } };
