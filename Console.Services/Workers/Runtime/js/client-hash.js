// SHA-256 of a text, in hexadecimal. Ids are made without waiting, and crypto.subtle only answers later.
const K = new Uint32Array(64), START = new Uint32Array(8);

{
  const root = (n, power) => { const x = n ** power; return ((x - Math.floor(x)) * 2 ** 32) >>> 0; };
  let found = 0;
  for (let n = 2; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
    if (!prime) continue;
    if (found < 8) START[found] = root(n, 1 / 2);
    K[found++] = root(n, 1 / 3);
  }
}

const turn = (x, by) => (x >>> by) | (x << (32 - by));

export function hash(text) {
  const bytes = new TextEncoder().encode(text), length = bytes.length;
  const data = new Uint8Array(((length + 8) >> 6) * 64 + 64), view = new DataView(data.buffer);
  data.set(bytes);
  data[length] = 0x80;
  view.setUint32(data.length - 8, Math.floor(length / 2 ** 29));
  view.setUint32(data.length - 4, (length << 3) >>> 0);
  const state = START.slice(), w = new Uint32Array(64);
  for (let at = 0; at < data.length; at += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + i * 4);
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((x, i) => { state[i] += x; });
  }
  return [...state].map(x => x.toString(16).padStart(8, "0")).join("");
}
