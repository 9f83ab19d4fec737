// miniflare as its documentation starts it: miniflare.mjs PORT SOURCE
import { Miniflare } from "miniflare";
const [port, script] = process.argv.slice(2);
const server = new Miniflare({ modules: true, script, port: Number(port), host: "127.0.0.1", compatibilityDate: "2026-04-01" });
await server.ready;
