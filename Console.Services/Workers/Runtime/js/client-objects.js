// A namespace of durable objects, inside the worker's own isolate: makes ids and stubs; every call goes to where the objects are.
import { hash } from "./hash.js";

const HEX = /^[0-9a-f]{64}$/;

class ObjectId {
  #hex;
  constructor(hex, name) {
    this.#hex = hex;
    if (name !== undefined) this.name = name;
  }
  toString() { return this.#hex; }
  equals(other) { return String(other) === this.#hex; }
}

export class DurableObjectNamespace {
  #host; #key;
  constructor(host, { key }) { this.#host = host; this.#key = key; }

  idFromName(name) {
    if (typeof name !== "string") throw new TypeError("idFromName() takes a string.");
    return new ObjectId(this.#seal(hash(`${this.#key}\n${name}`).slice(0, 32)), name);
  }

  newUniqueId(options) {
    if (options?.jurisdiction != null) throw new Error("Jurisdiction restrictions are not implemented here.");
    return new ObjectId(this.#seal([...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, "0")).join("")));
  }

  // The second half proves that the first was made for this namespace.
  idFromString(hex) {
    const text = String(hex).toLowerCase();
    if (!HEX.test(text)) throw new TypeError("Invalid Durable Object ID: must be 64 hex digits");
    if (this.#seal(text.slice(0, 32)) !== text) throw new TypeError("Invalid Durable Object ID: not an ID of this namespace");
    return new ObjectId(text);
  }

  get(id) {
    if (!(id instanceof ObjectId)) throw new TypeError("get() takes an ID of this namespace.");
    if (this.#seal(String(id).slice(0, 32)) !== String(id)) throw new TypeError("get called on an ID of another namespace.");
    return stub(this.#host, id);
  }

  getByName(name) { return this.get(this.idFromName(name)); }

  jurisdiction() { throw new Error("Jurisdiction restrictions are not implemented here."); }

  #seal(first) { return first + hash(`${this.#key}\nid\n${first}`).slice(0, 32); }
}

function stub(host, id) {
  const at = { id: String(id), name: id.name };
  const fetch = (input, init) => {
    const request = new Request(input, init), headers = new Headers(request.headers);
    headers.set("x-quarterdeck-object", encodeURIComponent(JSON.stringify(at)));
    return host.fetch(new Request(request, { headers }));
  };
  return new Proxy(Object.create(null), {
    get(_, name) {
      if (name === "id") return id;
      if (name === "name") return id.name;
      if (name === "fetch") return fetch;
      // A stub is no promise, whoever awaits it.
      return typeof name !== "string" || name === "then" ? undefined : member(host, at, [name]);
    },
  });
}

// A method to call, or a property to wait for: which of the two only the object knows.
function member(host, at, path) {
  return new Proxy(function () { }, {
    apply: (_, self, args) => host.call(at, path, args),
    get(_, name) {
      if (typeof name !== "string") return undefined;
      if (name === "then" || name === "catch" || name === "finally") { const value = host.read(at, path); return value[name].bind(value); }
      return member(host, at, [...path, name]);
    },
  });
}
