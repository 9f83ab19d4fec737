// The API of a queue's producer, inside the worker's own isolate.
const encoder = new TextEncoder();
const VIEWS = { Int8Array: "b", Uint8Array: "B", Uint8ClampedArray: "C", Int16Array: "w", Uint16Array: "W", Int32Array: "d", Uint32Array: "D", Float32Array: "f", Float64Array: "F", BigInt64Array: "q", BigUint64Array: "Q", DataView: "?" };

export class Queue {
  #host;
  constructor(host) { this.#host = host; }

  async send(body, options = {}) { await this.#post([{ ...options, body }]); }

  async sendBatch(messages, options = {}) {
    await this.#post([...messages].map(m => ({ ...m, delaySeconds: m.delaySeconds ?? options?.delaySeconds })));
  }

  async metrics() {
    const response = await done(await this.#host.fetch("http://queue/metrics"));
    const { oldestMessageTimestamp: at, ...figures } = await response.json();
    return { ...figures, oldestMessageTimestamp: at === null ? undefined : new Date(at) };
  }

  async #post(messages) {
    const parts = messages.map(({ body, contentType = "json" }) => bytes(body, contentType));
    const head = encoder.encode(JSON.stringify(messages.map(({ contentType, delaySeconds }, i) => ({ type: contentType ?? "json", size: parts[i].byteLength, delay: delaySeconds == null ? undefined : whole(delaySeconds) }))));
    const all = new Uint8Array(4 + head.length + parts.reduce((sum, part) => sum + part.byteLength, 0));
    new DataView(all.buffer).setUint32(0, head.length, true);
    let at = 4;
    for (const part of [head, ...parts]) { all.set(part, at); at += part.byteLength; }
    await done(await this.#host.fetch("http://queue/send", { method: "POST", body: all }));
  }
}

function whole(delay) {
  if (!Number.isSafeInteger(delay) || delay < 0 || delay > 86400) throw new Error(`Queue send failed: delaySeconds ${delay} is not between 0 and 86400.`);
  return delay;
}

function bytes(body, type) {
  switch (type) {
    case "json": {
      const text = JSON.stringify(body);
      if (text === undefined) throw new TypeError("Queue send failed: the body has no value in JSON.");
      return encoder.encode(text);
    }
    case "text":
      if (typeof body !== "string") throw new TypeError(`Queue send failed: a body of the content type "text" is a string, not ${typeof body}.`);
      return encoder.encode(body);
    case "bytes":
      if (body instanceof ArrayBuffer) return new Uint8Array(body);
      if (!ArrayBuffer.isView(body)) throw new TypeError(`Queue send failed: a body of the content type "bytes" is an ArrayBuffer or a view of one.`);
      return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
    case "v8":
      return encoder.encode(JSON.stringify(told(body, [])));
  }
  throw new TypeError(`Queue send failed: there is no content type "${type}". Use "json", "text", "bytes" or "v8".`);
}

// What JSON lacks is marked; the console makes the value out of it that structured cloning would make.
function told(value, above) {
  switch (typeof value) {
    case "undefined": return { $t: ["undefined"] };
    case "bigint": return { $t: ["bigint", String(value)] };
    case "number": return Number.isFinite(value) && !Object.is(value, -0) ? value : { $t: ["number", Object.is(value, -0) ? "-0" : String(value)] };
    case "function": case "symbol": throw new DOMException(`Queue send failed: a ${typeof value} cannot be cloned.`, "DataCloneError");
    case "string": case "boolean": return value;
  }
  if (value === null) return null;
  if (above.includes(value)) throw new DOMException("Queue send failed: the body holds itself.", "DataCloneError");
  const inside = [...above, value], each = v => told(v, inside);
  if (Array.isArray(value)) return Array.from(value, each);
  if (value instanceof Date) return { $t: ["date", Number.isNaN(value.getTime()) ? null : value.getTime()] };
  if (value instanceof RegExp) return { $t: ["regexp", value.source, [..."gimyus"].reduce((flags, flag, i) => flags | (value.flags.includes(flag) ? 1 << i : 0), 0)] };
  if (value instanceof Map) return { $t: ["map", [...value].map(pair => pair.map(each))] };
  if (value instanceof Set) return { $t: ["set", [...value].map(each)] };
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return { $t: ["buffer", VIEWS[value.constructor.name] ?? "", base64(value)] };
  const pairs = Object.entries(value).map(([name, v]) => [name, each(v)]);
  return "$t" in value ? { $t: ["object", pairs] } : Object.fromEntries(pairs);
}

function base64(value) {
  const raw = value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  let text = "";
  for (let i = 0; i < raw.length; i += 8192) text += String.fromCharCode(...raw.subarray(i, i + 8192));
  return btoa(text);
}

async function done(response) {
  if (!response.ok) throw new Error(`Queue send failed: ${(await response.text()).trim() || response.status}`);
  return response;
}
