import { area, thrown } from "../check.js";

const kept = (body, headers) => new Response(body, { headers: { "Cache-Control": "max-age=60", ...headers } });
const at = path => `https://apis.test/cache/${path}`;
const check = area("Cache", "runtime-apis/cache/");
check("caches.default: put(), match()", ["kept", "text/x", "HIT", null], async () => {
  await caches.default.put(at("one"), kept("kept", { "Content-Type": "text/x" }));
  const hit = await caches.default.match(new Request(at("one")));
  return [await hit.text(), hit.headers.get("content-type"), hit.headers.get("cf-cache-status"), await caches.default.match(at("none")) ?? null];
});
check("delete()", [true, false, null], async () => {
  await caches.default.put(at("gone"), kept("x"));
  return [await caches.default.delete(at("gone")), await caches.default.delete(at("gone")), await caches.default.match(at("gone")) ?? null];
});
check("caches.open()", ["own", null], async () => {
  const own = await caches.open("own");
  await own.put(at("named"), kept("own"));
  return [await (await own.match(at("named"))).text(), await caches.default.match(at("named")) ?? null];
});
check("Cache-Control: max-age, s-maxage, Expires end it", [null, null, null], async () => {
  const ends = [{ "Cache-Control": "max-age=1" }, { "Cache-Control": "max-age=60, s-maxage=1" }, { "Cache-Control": "public", Expires: new Date(Date.now() + 2000).toUTCString() }];
  await Promise.all(ends.map((headers, i) => caches.default.put(at(`short${i}`), kept("x", headers))));
  // However slow the machine is: until it has ended, at most half a minute.
  return Promise.all(ends.map(async (_, i) => {
    for (let tries = 0; tries < 10 && await caches.default.match(at(`short${i}`)) !== undefined; tries++) await scheduler.wait(3000);
    return await caches.default.match(at(`short${i}`)) ?? null;
  }));
});
check("Cache-Control: no-store, private are not kept", [null, null], async () => {
  const got = [];
  for (const how of ["no-store", "private"]) {
    await caches.default.put(at(how), kept("x", { "Cache-Control": how }));
    got.push(await caches.default.match(at(how)) ?? null);
  }
  return got;
});
check("Set-Cookie is not kept, unless private=Set-Cookie", [null, "x", null], async () => {
  await caches.default.put(at("cookie"), kept("x", { "Set-Cookie": "a=1" }));
  await caches.default.put(at("cookie2"), kept("x", { "Set-Cookie": "a=1", "Cache-Control": "private=Set-Cookie, max-age=60" }));
  const second = await caches.default.match(at("cookie2"));
  return [await caches.default.match(at("cookie")) ?? null, await second?.text(), second?.headers.get("set-cookie")];
});
check("match() with Range", [206, "bcd", "bytes 1-3/5"], async () => {
  await caches.default.put(at("range"), kept("abcde", { "Content-Length": "5" }));
  const part = await caches.default.match(new Request(at("range"), { headers: { Range: "bytes=1-3" } }));
  return [part.status, await part.text(), part.headers.get("content-range")];
});
check("match() with If-None-Match, If-Modified-Since", [304, 304, 200], async () => {
  await caches.default.put(at("tagged"), kept("x", { ETag: '"v1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT" }));
  const ask = async headers => (await caches.default.match(new Request(at("tagged"), { headers }))).status;
  return [await ask({ "If-None-Match": '"v1"' }), await ask({ "If-Modified-Since": "Fri, 02 Jan 2026 00:00:00 GMT" }), await ask({ "If-None-Match": '"v2"' })];
});
check("put() refuses what is no GET, status 206, Vary: *", ["TypeError", "TypeError", "TypeError"], () => Promise.all([
  thrown(() => caches.default.put(new Request(at("x"), { method: "POST" }), kept("x"))),
  thrown(() => caches.default.put(at("x"), new Response("x", { status: 206 }))),
  thrown(() => caches.default.put(at("x"), kept("x", { Vary: "*" })))]));
check("match() with ignoreMethod", [null, "any"], async () => {
  await caches.default.put(at("method"), kept("any"));
  const post = () => new Request(at("method"), { method: "POST" });
  return [await caches.default.match(post()) ?? null, await (await caches.default.match(post(), { ignoreMethod: true })).text()];
});
