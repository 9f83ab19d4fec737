import { area, bytes, thrown } from "../check.js";
import add from "../add.wasm";
import page from "../page.html";
import settings from "../settings.json";
import data from "../bytes.bin";
import * as workers from "cloudflare:workers";

const wasm = area("WebAssembly", "runtime-apis/webassembly/");
wasm("an imported module, new WebAssembly.Instance()", 5, () => new WebAssembly.Instance(add).exports.add(2, 3));
wasm("WebAssembly.instantiate(module)", 7, async () => (await WebAssembly.instantiate(add)).exports.add(3, 4));
wasm("compiling bytes at run time is refused", "CompileError", () => thrown(() => WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))));

const check = area("Modules", "wrangler/bundling/");
check("text, .html", "<p>imported</p>\n", () => page);
check("data, .bin", [1, 2, 255], () => bytes(data));
check("JSON", 7, () => settings.deep[0]);
check("import()", "later", async () => (await import("../later.js")).default);

const context = area("Context", "runtime-apis/context/");
context("ctx.waitUntil()", "undefined", (r, env, ctx) => typeof ctx.waitUntil(Promise.resolve()));
context("ctx.passThroughOnException()", "undefined", (r, env, ctx) => typeof ctx.passThroughOnException());
context("ctx.props", "object", (r, env, ctx) => typeof ctx.props);
context("ctx.exports", "from an entrypoint of its own", (r, env, ctx) => ctx.exports.Loop.hello());
context("import { env, waitUntil, exports } from \"cloudflare:workers\"", ["ahoy", "function", "object"], () => [workers.env.TEXT, typeof workers.waitUntil, typeof workers.exports]);
context("withEnv()", "other", () => workers.withEnv({ TEXT: "other" }, () => workers.env.TEXT));
