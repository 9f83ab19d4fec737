// The API of object storage, inside the worker's own isolate: what it reads and holds is its own.
const HASHES = ["md5", "sha1", "sha256", "sha384", "sha512"];
const HTTP = { "content-type": "contentType", "content-language": "contentLanguage", "content-disposition": "contentDisposition", "content-encoding": "contentEncoding", "cache-control": "cacheControl", "expires": "cacheExpiry" };

export class R2Bucket {
  #host;
  constructor(host) { this.#host = host; }

  async head(key) {
    const response = await this.#host.fetch(at("o", key), { method: "HEAD" });
    return response.status === 404 ? null : new R2Object(told(await done(response, "head")));
  }

  async get(key, options) {
    const response = await this.#host.fetch(at("o", key), { headers: asked({ onlyIf: condition(options?.onlyIf), range: range(options?.range) }) });
    if (response.status === 404) { await response.body?.cancel(); return null; }
    if (response.status === 412) { await response.body?.cancel(); return new R2Object(told(response)); }
    return new R2ObjectBody(told(await done(response, "get")), response);
  }

  async put(key, value, options) {
    const checksums = {};
    for (const name of HASHES) if (options?.[name] != null) checksums[name] = typeof options[name] === "string" ? options[name].toLowerCase() : hex(options[name]);
    if (Object.keys(checksums).length > 1) throw new TypeError("put: You cannot specify multiple hashing algorithms.");
    const response = await this.#host.fetch(at("o", key), { method: "PUT", headers: asked({ onlyIf: condition(options?.onlyIf), checksums, ...kept(options) }), body: body(value, "put") });
    if (response.status === 412) { await response.body?.cancel(); return null; }
    return new R2Object(await (await done(response, "put")).json());
  }

  async delete(keys) {
    const all = Array.isArray(keys) ? keys : [keys];
    if (all.length === 0) return;
    await done(await this.#host.fetch("http://bucket/d", { method: "POST", body: JSON.stringify(all.map(String)) }), "delete");
  }

  async list(options) {
    const url = new URL("http://bucket/l");
    for (const name of ["prefix", "delimiter", "limit"]) if (options?.[name] != null) url.searchParams.set(name, options[name]);
    const after = options?.cursor != null ? place(options.cursor) : options?.startAfter;
    if (after != null) url.searchParams.set("after", after);
    if (options?.include) url.searchParams.set("include", options.include.join(","));
    const { objects, folders, last } = await (await done(await this.#host.fetch(url), "list")).json();
    return { objects: objects.map(o => new R2Object(o)), truncated: last !== null, delimitedPrefixes: folders, ...(last === null ? {} : { cursor: btoa(String.fromCharCode(...new TextEncoder().encode(last))) }) };
  }

  async createMultipartUpload(key, options) {
    const response = await done(await this.#host.fetch(at("u", key), { method: "POST", headers: asked(kept(options)) }), "createMultipartUpload");
    return new R2MultipartUpload(this.#host, key, await response.text());
  }

  resumeMultipartUpload(key, uploadId) { return new R2MultipartUpload(this.#host, key, uploadId); }
}

export class R2MultipartUpload {
  #host;
  constructor(host, key, uploadId) {
    this.#host = host;
    Object.assign(this, { key, uploadId });
  }

  async uploadPart(partNumber, value) {
    const response = await done(await this.#host.fetch(`${at("u", this.key)}&upload=${this.uploadId}&part=${Number(partNumber)}`, { method: "PUT", body: body(value, "uploadPart") }), "uploadPart");
    return { partNumber, etag: await response.text() };
  }

  async complete(parts) {
    const named = parts.map(({ partNumber, etag }) => ({ partNumber, etag }));
    return new R2Object(await (await done(await this.#host.fetch(`${at("u", this.key)}&upload=${this.uploadId}`, { method: "POST", body: JSON.stringify(named) }), "completeMultipartUpload")).json());
  }

  async abort() { await done(await this.#host.fetch(`${at("u", this.key)}&upload=${this.uploadId}`, { method: "DELETE" }), "abortMultipartUpload"); }
}

export class R2Object {
  constructor({ key, version, size, etag, checksums, http, custom, uploaded, range }) {
    const httpMetadata = Object.fromEntries(Object.entries(http).filter(([, value]) => value !== null));
    if (httpMetadata.cacheExpiry !== undefined) httpMetadata.cacheExpiry = new Date(httpMetadata.cacheExpiry);
    Object.assign(this, { key, version, size, etag, httpEtag: `"${etag}"`, uploaded: new Date(uploaded), checksums: new R2Checksums(checksums), httpMetadata, customMetadata: custom, storageClass: "Standard" });
    if (range) this.range = range;
  }

  writeHttpMetadata(headers) {
    for (const [header, name] of Object.entries(HTTP)) {
      const value = this.httpMetadata[name];
      if (value !== undefined) headers.set(header, value instanceof Date ? value.toUTCString() : value);
    }
  }
}

export class R2ObjectBody extends R2Object {
  #response;
  constructor(told, response) {
    super(told);
    this.#response = response;
  }
  get body() { return this.#response.body; }
  get bodyUsed() { return this.#response.bodyUsed; }
  arrayBuffer() { return this.#response.arrayBuffer(); }
  async bytes() { return new Uint8Array(await this.#response.arrayBuffer()); }
  text() { return this.#response.text(); }
  json() { return this.#response.json(); }
  async blob() { return new Blob([await this.#response.arrayBuffer()], { type: this.httpMetadata.contentType ?? "" }); }
}

class R2Checksums {
  #hex;
  constructor(checksums) {
    this.#hex = checksums;
    for (const [name, text] of Object.entries(checksums)) this[name] = Uint8Array.from(text.match(/../g), pair => parseInt(pair, 16)).buffer;
  }
  toJSON() { return this.#hex; }
}

const at = (what, key) => `http://bucket/${what}?k=${encodeURIComponent(key)}`;
const asked = options => ({ "x-bucket-options": encodeURIComponent(JSON.stringify(options)) });
const told = response => JSON.parse(decodeURIComponent(response.headers.get("x-bucket-object")));
const hex = bytes => [...(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))].map(b => b.toString(16).padStart(2, "0")).join("");
const unquoted = etag => etag.replace(/^(W\/)?"(.*)"$/, "$2");

function place(cursor) {
  try { return new TextDecoder().decode(Uint8Array.from(atob(cursor), c => c.charCodeAt(0))); } catch { throw new Error("list: The cursor is none that a list gave."); }
}

// What an object keeps beside its content.
function kept(options) {
  if (options?.ssecKey != null) throw new Error("R2: keys of your own (ssecKey) are not supported; an encrypted repository encrypts every object.");
  if (options?.storageClass != null && options.storageClass !== "Standard") throw new Error(`R2: there is no storage class "${options.storageClass}" here.`);
  const http = {}, given = options?.httpMetadata;
  for (const [header, name] of Object.entries(HTTP)) {
    const value = given instanceof Headers ? given.get(header) : given?.[name];
    if (value != null) http[name] = name === "cacheExpiry" ? new Date(value).getTime() : String(value);
  }
  return { http, custom: Object.fromEntries(Object.entries(options?.customMetadata ?? {}).map(([name, value]) => [name, String(value)])) };
}

function condition(given) {
  if (given == null) return undefined;
  if (given instanceof Headers) {
    const tags = name => given.get(name)?.split(",").map(tag => unquoted(tag.trim())), time = name => given.has(name) ? Date.parse(given.get(name)) : undefined;
    return { etagMatches: tags("if-match"), etagDoesNotMatch: tags("if-none-match"), uploadedBefore: later(time("if-unmodified-since")), uploadedAfter: time("if-modified-since"), secondsGranularity: true };
  }
  const tags = value => value == null ? undefined : (Array.isArray(value) ? value : [value]).map(String), time = value => value == null ? undefined : new Date(value).getTime();
  return { etagMatches: tags(given.etagMatches), etagDoesNotMatch: tags(given.etagDoesNotMatch), uploadedBefore: time(given.uploadedBefore), uploadedAfter: time(given.uploadedAfter), secondsGranularity: given.secondsGranularity === true };
}

// HTTP's "unmodified since" includes its second; "before" does not.
const later = time => time === undefined ? undefined : time + 1000;

function range(given) {
  if (given == null) return undefined;
  if (!(given instanceof Headers)) return { offset: given.offset, length: given.length, suffix: given.suffix };
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(given.get("range") ?? "") ?? [];
  if (from === undefined || from + to === "") return undefined;
  return from === "" ? { suffix: Number(to) } : { offset: Number(from), length: to === "" ? undefined : Number(to) - Number(from) + 1 };
}

function body(value, call) {
  if (value === null || value === undefined) return new Uint8Array(0);
  if (value instanceof Blob) return value.stream();
  if (typeof value === "string" || value instanceof ArrayBuffer || ArrayBuffer.isView(value) || value instanceof ReadableStream) return value;
  throw new TypeError(`${call}: The value is neither a string, ArrayBuffer, view, Blob, ReadableStream nor null.`);
}

async function done(response, call) {
  if (!response.ok) throw new Error(`${call}: ${(await response.text()).trim() || response.status}`);
  return response;
}
