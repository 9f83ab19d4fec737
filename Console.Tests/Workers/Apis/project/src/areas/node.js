import { area, text, thrown } from "../check.js";
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import assert from "node:assert";
import { Buffer } from "node:buffer";
import * as crypto from "node:crypto";
import { channel } from "node:diagnostics_channel";
import { EventEmitter, once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import querystring from "node:querystring";
import { Readable, Transform, pipeline } from "node:stream";
import { pipeline as piped } from "node:stream/promises";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as pause } from "node:timers/promises";
import nodeUrl from "node:url";
import util from "node:util";
import zlib from "node:zlib";

const node = module => area(`node:${module}`, "runtime-apis/nodejs/");
const origin = request => new URL(request.url).searchParams.get("origin");

const storage = new AsyncLocalStorage();
node("async_hooks")("AsyncLocalStorage", ["one", "two", undefined ?? null], () => Promise.all([
  storage.run("one", async () => { await scheduler.wait(5); return storage.getStore(); }),
  storage.run("two", async () => { await scheduler.wait(1); return storage.getStore(); }), storage.getStore() ?? null]));
node("async_hooks")("AsyncResource, snapshot()", ["kept", "kept"], () => storage.run("kept", () => {
  const resource = new AsyncResource("test"), snapshot = AsyncLocalStorage.snapshot();
  return storage.run("other", () => [resource.runInAsyncScope(() => storage.getStore()), snapshot(() => storage.getStore())]);
}));
node("assert")("ok(), deepStrictEqual(), throws()", ["AssertionError"], async () => {
  assert.ok(true);
  assert.throws(() => { throw new TypeError("x"); }, TypeError);
  return [await thrown(() => assert.deepStrictEqual({ a: 1 }, { a: 2 }))];
});
node("buffer")("Buffer", ["YWhveQ==", "616", true, "ahoy!", 258], () => [Buffer.from("ahoy").toString("base64"), Buffer.from("ab").toString("hex").slice(0, 3), Buffer.isBuffer(Buffer.alloc(1)), Buffer.concat([Buffer.from("ahoy"), Buffer.from("!")]).toString(), Buffer.from([1, 2]).readUInt16BE()]);
const hashes = node("crypto");
hashes("createHash(), createHmac()", ["ba7816bf8f01cfea", "b0344c61d8db3853"], () => [crypto.createHash("sha256").update("abc").digest("hex").slice(0, 16), crypto.createHmac("sha256", Buffer.alloc(20, 11)).update("Hi There").digest("hex").slice(0, 16)]);
hashes("randomBytes(), randomUUID(), timingSafeEqual()", [16, 36, true], () => [crypto.randomBytes(16).length, crypto.randomUUID().length, crypto.timingSafeEqual(Buffer.from("a"), Buffer.from("a"))]);
hashes("pbkdf2Sync(), scryptSync(), hkdfSync()", ["632c2812", 32, 16], () => [crypto.pbkdf2Sync("password", "salt", 1000, 32, "sha256").toString("hex").slice(0, 8), crypto.scryptSync("p", "s", 32, { N: 1024 }).length, crypto.hkdfSync("sha256", "k", "s", "i", 16).byteLength]);
hashes("createCipheriv(), createDecipheriv()", "secret", () => {
  const key = Buffer.alloc(32, 1), iv = Buffer.alloc(16, 2), cipher = crypto.createCipheriv("aes-256-cbc", key, iv), hidden = Buffer.concat([cipher.update(Buffer.from("secret")), cipher.final()]);
  const decipher = crypto.createDecipheriv("aes-256-cbc", key, iv);
  return Buffer.concat([decipher.update(hidden), decipher.final()]).toString();
});
hashes.missing("update() of text without naming its encoding", "the runtime wants it named: `update(text, \"utf8\")`", "2a3c464c", () => crypto.createCipheriv("aes-256-cbc", Buffer.alloc(32, 1), Buffer.alloc(16, 2)).update("sixteen letters!").toString("hex").slice(0, 8));
hashes("generateKeyPairSync(), sign(), verify()", true, () => {
  const { privateKey, publicKey } = crypto.generateKeyPairSync("ed25519");
  return crypto.verify(null, Buffer.from("words"), publicKey, crypto.sign(null, Buffer.from("words"), privateKey));
});
node("diagnostics_channel")("channel(), publish()", { a: 1 }, () => {
  let got;
  const told = channel("checks");
  told.subscribe(message => { got = message; });
  told.publish({ a: 1 });
  return got;
});
node("events")("EventEmitter, once()", [3, "done"], async () => {
  const emitter = new EventEmitter();
  let sum = 0;
  emitter.on("add", n => { sum += n; });
  emitter.emit("add", 1);
  emitter.emit("add", 2);
  const end = once(emitter, "end");
  emitter.emit("end", "done");
  return [sum, ...await end];
});
node("fs")("files under /tmp, for one request", ["written", ["a.txt"], "ENOENT"], () => {
  fs.mkdirSync("/tmp/d");
  fs.writeFileSync("/tmp/d/a.txt", "written");
  let code;
  try { fs.readFileSync("/tmp/none"); } catch (error) { code = error.code; }
  return [fs.readFileSync("/tmp/d/a.txt", "utf8"), fs.readdirSync("/tmp/d"), code];
});
node("http")("http.get()", [200, "GET /echo "], r => new Promise((done, fail) => http.get(`${origin(r)}/echo`, async answer => {
  let all = "";
  for await (const part of answer) all += part;
  done([answer.statusCode, all]);
}).on("error", fail)));
node("os")("EOL, platform()", ["\n", "string"], () => [os.EOL, typeof os.platform()]);
node("path")("join(), resolve(), parse(), relative()", ["/a/c", "/x/y", "txt", "../c"], () => [path.join("/a/b", "../c"), path.resolve("/x", "y"), path.parse("/a/b.txt").ext.slice(1), path.relative("/a/b", "/a/c")]);
node("process")("env, nextTick(), hrtime, platform, cwd()", ["ahoy", "ticked", "bigint", "string", "string"], async () => [process.env.TEXT, await new Promise(done => process.nextTick(done, "ticked")), typeof process.hrtime.bigint(), typeof process.platform, typeof process.cwd()]);
node("querystring")("parse(), stringify()", [{ a: ["1", "2"] }, "b=x%20y"], () => [{ ...querystring.parse("a=1&a=2") }, querystring.stringify({ b: "x y" })]);
node("stream")("Readable, Transform, pipeline()", "SHOUT", async () => {
  const upper = new Transform({ transform(part, _, next) { next(null, part.toString().toUpperCase()); } });
  let all = "";
  upper.on("data", part => { all += part; });
  await new Promise((done, fail) => pipeline(Readable.from(["sh", "out"]), upper, error => error ? fail(error) : done()));
  return all;
});
node("stream")("stream/promises, toWeb()", ["ab", "web"], async () => {
  let all = "";
  await piped(Readable.from(["a", "b"]), async function (source) { for await (const part of source) all += part; });
  return [all, await text(Readable.toWeb(Readable.from([Buffer.from("web")])))];
});
node("string_decoder")("StringDecoder", "€", () => { const d = new StringDecoder("utf8"); return d.write(Buffer.from([226, 130])) + d.write(Buffer.from([172])) + d.end(); });
node("timers")("timers/promises", "waited", () => pause(1, "waited"));
node("url")("parse(), fileURLToPath(), URL", ["a", "/b", "/x y"], () => [nodeUrl.parse("http://a/b").hostname, new nodeUrl.URL("http://a/b").pathname, nodeUrl.fileURLToPath("file:///x%20y")]);
node("util")("promisify(), inspect(), format(), isDeepStrictEqual(), types", ["later", "{ a: [ 1 ] }", "1 b", true, true], async () => [
  await util.promisify(done => setTimeout(done, 1, null, "later"))(), util.inspect({ a: [1] }), util.format("%d %s", 1, "b"), util.isDeepStrictEqual([1], [1]), util.types.isDate(new Date())]);
node("zlib")("gzipSync(), brotliCompressSync(), inflate()", ["back", "back", "back"], async () => [
  zlib.gunzipSync(zlib.gzipSync("back")).toString(), zlib.brotliDecompressSync(zlib.brotliCompressSync("back")).toString(), (await util.promisify(zlib.inflate)(zlib.deflateSync("back"))).toString()]);
