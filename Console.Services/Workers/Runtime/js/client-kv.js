// The API of a key-value namespace, inside the worker's own isolate: what it parses and holds is its own.
const size = text => new TextEncoder().encode(text).length;

const MOST = 25 << 20;

export class KvNamespace {
  #host;
  constructor(host) { this.#host = host; }

  async get(key, options) { return (await this.#read(key, options)).value; }

  async getWithMetadata(key, options) {
    const { value, metadata } = await this.#read(key, options, true);
    return Array.isArray(key) ? value : { value, metadata, cacheStatus: null };
  }

  async put(key, value, options = {}) {
    check(key, "PUT");
    const url = new URL(path(key));
    if (options?.expirationTtl != null) url.searchParams.set("ttl", whole(options.expirationTtl, "expirationTtl"));
    else if (options?.expiration != null) url.searchParams.set("expiration", whole(options.expiration, "expiration"));
    const headers = {};
    if (options?.metadata != null) headers["x-kv-metadata"] = encodeURIComponent(JSON.stringify(options.metadata));
    if (!(typeof value === "string" || value instanceof ArrayBuffer || ArrayBuffer.isView(value) || value instanceof ReadableStream))
      throw new TypeError("KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.");
    const length = typeof value === "string" ? value.length : value.byteLength;
    if (length > MOST) throw new Error(`KV PUT failed: 413 Value length of ${length} exceeds limit of ${MOST}.`);
    await done(await this.#host.fetch(url, { method: "PUT", headers, body: value }), "PUT");
  }

  async delete(key) {
    check(key, "DELETE");
    await done(await this.#host.fetch(path(key), { method: "DELETE" }), "DELETE");
  }

  async list(options = {}) {
    const url = new URL("http://kv/l");
    for (const name of ["prefix", "cursor", "limit"]) if (options?.[name] != null) url.searchParams.set(name, options[name]);
    return (await done(await this.#host.fetch(url), "LIST")).json();
  }

  async #read(key, options, metadata = false) {
    const type = typeof options === "string" ? options : options?.type ?? "text";
    if (Array.isArray(key)) {
      if (key.length === 0 || key.length > 100) throw new Error("KV GET_BULK failed: 400 You can request 1 to 100 keys.");
      if (type !== "text" && type !== "json") throw new Error(`KV GET_BULK failed: 400 "${type}" is not a valid type. Use "json" or "text".`);
      const found = await Promise.all(key.map(async k => [k, await this.#read(k, type)]));
      return { value: new Map(found.map(([k, one]) => [k, metadata ? one : one.value])) };
    }
    check(key, "GET");
    const response = await this.#host.fetch(path(key));
    if (response.status === 404) { await response.body?.cancel(); return { value: null, metadata: null }; }
    await done(response, "GET");
    const sent = response.headers.get("x-kv-metadata");
    return { value: await read(response, type), metadata: sent === null ? null : JSON.parse(decodeURIComponent(sent)) };
  }
}

const path = key => "http://kv/v/" + encodeURIComponent(key);

function check(key, call) {
  if (typeof key !== "string" || key.length === 0) throw new TypeError("Key name cannot be empty.");
  if (key === "." || key === "..") throw new TypeError(`"${key}" is not allowed as a key name.`);
  const bytes = size(key);
  if (bytes > 512) throw new Error(`KV ${call} failed: 414 UTF-8 encoded length of ${bytes} exceeds key length limit of 512.`);
}

function whole(value, name) {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`KV PUT failed: 400 Invalid ${name} of ${value}.`);
  return String(number);
}

async function done(response, call) {
  if (!response.ok) throw new Error(`KV ${call} failed: ${response.status} ${(await response.text()).trim()}`);
  return response;
}

function read(response, type) {
  switch (type) {
    case "text": return response.text();
    case "json": return response.json();
    case "arrayBuffer": return response.arrayBuffer();
    case "stream": return response.body;
  }
  throw new TypeError('Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".');
}
