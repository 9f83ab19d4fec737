// The Cache API inside the worker's own isolate, in the place of the runtime's, which loaded workers do not have.
const KEPT_METHODS = new Set(["GET"]);

class Cache {
  #host; #name;
  constructor(host, name) { this.#host = host; this.#name = name; }

  async match(request, options) {
    const asked = new Request(request);
    if (!options?.ignoreMethod && !KEPT_METHODS.has(asked.method)) return undefined;
    const headers = this.#key(asked);
    for (const name of ["range", "if-none-match", "if-modified-since"]) if (asked.headers.has(name)) headers[name] = asked.headers.get(name);
    const answer = await this.#host.fetch("http://cache/", { headers });
    if (answer.status === 404) { await answer.body?.cancel(); return undefined; }
    const told = await head(answer);
    const empty = [204, 205, 304].includes(told.status);
    if (empty) await answer.body?.cancel();
    return new Response(empty ? null : answer.body, { status: told.status, headers: told.headers, encodeBody: "manual" });
  }

  async put(request, response) {
    const asked = new Request(request);
    if (asked.method !== "GET") throw new TypeError("Cannot cache response to non-GET request.");
    if (response.status === 206) throw new TypeError("Cannot cache response to a range request (206 Partial Content).");
    if (response.status === 304) throw new TypeError("Cannot cache a 304 Not Modified response.");
    if (response.headers.get("vary")?.split(",").some(name => name.trim() === "*")) throw new TypeError("Cannot cache response with 'Vary: *' header.");
    if (response.bodyUsed) throw new TypeError("Body has already been used. It can only be used once.");
    const headers = this.#key(asked);
    headers["x-cache-answer"] = encodeURIComponent(JSON.stringify({ status: response.status, headers: [...response.headers] }));
    const answer = await this.#host.fetch("http://cache/", { method: "PUT", headers, body: response.body ?? "" });
    if (!answer.ok) await head(answer);
  }

  async delete(request, options) {
    const asked = new Request(request);
    if (!options?.ignoreMethod && !KEPT_METHODS.has(asked.method)) return false;
    const answer = await this.#host.fetch("http://cache/", { method: "DELETE", headers: this.#key(asked) });
    await answer.body?.cancel();
    return answer.status === 204;
  }

  #key(asked) {
    const url = new URL(asked.url);
    url.hash = "";
    return { "x-cache-name": encodeURIComponent(this.#name), "x-cache-url": encodeURIComponent(url.href) };
  }
}

async function head(answer) {
  const told = answer.headers.get("x-cache-answer");
  if (told === null) throw new Error(`The cache failed: ${answer.status} ${(await answer.text()).trim()}`);
  return JSON.parse(decodeURIComponent(told));
}

export class CacheStorage {
  #host;
  constructor(host) { this.#host = host; this.default = new Cache(host, ""); }
  async open(name) {
    if (String(name).length > 1024) throw new TypeError("Cache name is too long.");
    return new Cache(this.#host, `n:${name}`);
  }
}
