import { area, thrown } from "../check.js";

const timers = area("Timers and scheduling", "runtime-apis/web-standards/");
timers("setTimeout(), clearTimeout()", ["ran", "given"], async () => {
  const got = [];
  clearTimeout(setTimeout(() => got.push("cleared"), 1));
  await new Promise(done => setTimeout(given => { got.push("ran", given); done(); }, 5, "given"));
  return got;
});
timers("setInterval(), clearInterval()", 3, () => new Promise(done => {
  let n = 0;
  const timer = setInterval(() => { if (++n === 3) { clearInterval(timer); done(n); } }, 1);
}));
timers("queueMicrotask()", ["now", "micro", "later"], async () => {
  const got = [];
  const later = new Promise(done => setTimeout(() => { got.push("later"); done(); }));
  queueMicrotask(() => got.push("micro"));
  got.push("now");
  await later;
  return got;
});
timers("scheduler.wait()", [true, "AbortError"], async () => {
  const before = Date.now();
  await scheduler.wait(20);
  return [Date.now() - before >= 19, await thrown(() => scheduler.wait(1000, { signal: AbortSignal.abort() }))];
});
timers.missing("Date.now() stands still while code runs", "the clock goes on: it is no protection against Spectre here", 0, () => {
  const before = Date.now();
  for (let i = 0; i < 5e7; i++);
  return Date.now() - before;
});
timers("performance.now(), timeOrigin", ["number", "number"], () => [typeof performance.now(), typeof performance.timeOrigin]);

const check = area("Web standards", "runtime-apis/web-standards/");
check("AbortController, AbortSignal.any(), timeout()", [true, "why", "TimeoutError"], async () => {
  const controller = new AbortController(), any = AbortSignal.any([controller.signal, new AbortController().signal]);
  controller.abort("why");
  const late = AbortSignal.timeout(1);
  await scheduler.wait(20);
  return [any.aborted, any.reason, late.reason.name];
});
check("Event, EventTarget, CustomEvent", [1, "told", true], () => {
  const target = new EventTarget();
  let n = 0, detail;
  target.addEventListener("one", () => n++, { once: true });
  target.addEventListener("two", e => { detail = e.detail; e.preventDefault(); });
  target.dispatchEvent(new Event("one"));
  target.dispatchEvent(new Event("one"));
  const gone = !target.dispatchEvent(new CustomEvent("two", { detail: "told", cancelable: true }));
  return [n, detail, gone];
});
check("structuredClone()", [true, "2026-01-01T00:00:00.000Z", [1], true, "DataCloneError"], async () => {
  const from = { date: new Date("2026-01-01"), set: new Set([1]) };
  from.self = from;
  const to = structuredClone(from);
  return [to !== from, to.date.toISOString(), [...to.set], to.self === to, await thrown(() => structuredClone(() => {}))];
});
check("structuredClone() with transfer", [0, 4], () => {
  const from = new ArrayBuffer(4), to = structuredClone(from, { transfer: [from] });
  return [from.byteLength, to.byteLength];
});
check("MessageChannel", "posted", async () => {
  const { port1, port2 } = new MessageChannel();
  const got = new Promise(done => { port2.onmessage = e => done(e.data); });
  port1.postMessage("posted");
  return got;
});
check("Blob, File", ["bcd", "text/plain", "a.txt", [97, 98]], async () => {
  const blob = new Blob(["abc", "de"], { type: "text/plain" }), file = new File([blob], "a.txt");
  return [await blob.slice(1, 4).text(), blob.type, file.name, [...new Uint8Array(await file.slice(0, 2).arrayBuffer())]];
});
check("FormData", [["a", "1"], ["a", "2"]], () => {
  const form = new FormData();
  form.append("a", "1");
  form.append("a", "2");
  form.set("b", "3");
  form.delete("b");
  return [...form];
});
check("DOMException", ["AbortError", "why", true], () => {
  const e = new DOMException("why", "AbortError");
  return [e.name, e.message, e instanceof Error];
});
check("navigator.userAgent", "Cloudflare-Workers", () => navigator.userAgent);
check("self, globalThis", [true, "Object"], () => [self === globalThis, Object.name]);
check("WeakRef, FinalizationRegistry", ["kept", "function"], () => [new WeakRef({ v: "kept" }).deref().v, typeof FinalizationRegistry]);
check("Intl", ["1.234,5", "1 January 2026"], () => [new Intl.NumberFormat("de").format(1234.5), new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(new Date("2026-01-01"))]);
check("eval() and new Function() are refused", ["EvalError", "EvalError"], async () => [await thrown(() => (0, eval)("1")), await thrown(() => new Function("return 1"))]);

const consoles = area("Console", "runtime-apis/console/");
consoles("log(), debug(), info(), warn(), error(), table(), group(), time()", "undefined", () => {
  for (const name of ["log", "debug", "info", "warn", "error", "table", "group", "groupEnd", "time", "timeEnd", "count", "assert", "dir", "trace"]) console[name]("x");
  return typeof console.log("%s", "formatted");
});
