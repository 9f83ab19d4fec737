import { area, bytes, hex, thrown, utf8 } from "../check.js";

const subtle = crypto.subtle;
const check = area("Web Crypto", "runtime-apis/web-crypto/");
check("crypto.randomUUID(), getRandomValues()", [true, true], () => [/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()), crypto.getRandomValues(new Uint8Array(32)).some(b => b !== 0)]);
for (const [name, expected] of Object.entries({
  "MD5": "900150983cd24fb0d6963f7d28e17f72",
  "SHA-1": "a9993e364706816aba3e25717850c26c9cd0d89d",
  "SHA-256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  "SHA-384": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
  "SHA-512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
})) check(`digest(): ${name}`, expected, async () => hex(await subtle.digest(name, utf8("abc"))));
check("crypto.DigestStream", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", async () => {
  const digest = new crypto.DigestStream("SHA-256");
  await new Response("abc").body.pipeTo(digest);
  return hex(await digest.digest);
});
check("timingSafeEqual()", [true, false], () => [subtle.timingSafeEqual(utf8("a"), utf8("a")), subtle.timingSafeEqual(utf8("a"), utf8("b"))]);
check("HMAC: importKey(), sign(), verify()", ["b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", true, false], async () => { // RFC 4231, 1
  const key = await subtle.importKey("raw", new Uint8Array(20).fill(11), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  const made = await subtle.sign("HMAC", key, utf8("Hi There"));
  return [hex(made), await subtle.verify("HMAC", key, made, utf8("Hi There")), await subtle.verify("HMAC", key, made, utf8("Hi!"))];
});
for (const name of ["AES-GCM", "AES-CBC", "AES-CTR"])
  check(`${name}: generateKey(), encrypt(), decrypt()`, [false, "secret"], async () => {
    const key = await subtle.generateKey({ name, length: 256 }, true, ["encrypt", "decrypt"]), iv = crypto.getRandomValues(new Uint8Array(name === "AES-GCM" ? 12 : 16));
    const how = name === "AES-CTR" ? { name, counter: iv, length: 64 } : { name, iv }, hidden = await subtle.encrypt(how, key, utf8("secret"));
    return [hex(hidden).includes(hex(utf8("secret"))), new TextDecoder().decode(await subtle.decrypt(how, key, hidden))];
  });
check("AES-GCM: a changed message is refused", "OperationError", async () => {
  const key = await subtle.generateKey({ name: "AES-GCM", length: 128 }, false, ["encrypt", "decrypt"]), how = { name: "AES-GCM", iv: new Uint8Array(12) };
  const hidden = new Uint8Array(await subtle.encrypt(how, key, utf8("secret")));
  hidden[0] ^= 1;
  return thrown(() => subtle.decrypt(how, key, hidden));
});
check("AES-KW: wrapKey(), unwrapKey()", true, async () => {
  const key = await subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt"]), over = await subtle.generateKey({ name: "AES-KW", length: 256 }, false, ["wrapKey", "unwrapKey"]);
  const back = await subtle.unwrapKey("raw", await subtle.wrapKey("raw", key, over, "AES-KW"), over, "AES-KW", "AES-GCM", true, ["encrypt"]);
  return hex(await subtle.exportKey("raw", back)) === hex(await subtle.exportKey("raw", key));
});
const signed = (title, how, sign = how) => check(title, [true, false], async () => {
  const { privateKey, publicKey } = await subtle.generateKey(how, false, ["sign", "verify"]), made = await subtle.sign(sign, privateKey, utf8("words"));
  return [await subtle.verify(sign, publicKey, made, utf8("words")), await subtle.verify(sign, publicKey, made, utf8("others"))];
});
signed("ECDSA", { name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" });
signed("Ed25519", { name: "Ed25519" });
signed("RSASSA-PKCS1-v1_5", { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" });
signed("RSA-PSS", { name: "RSA-PSS", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" }, { name: "RSA-PSS", saltLength: 32 });
check("RSA-OAEP: encrypt(), decrypt()", "secret", async () => {
  const { privateKey, publicKey } = await subtle.generateKey({ name: "RSA-OAEP", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" }, false, ["encrypt", "decrypt"]);
  return new TextDecoder().decode(await subtle.decrypt("RSA-OAEP", privateKey, await subtle.encrypt("RSA-OAEP", publicKey, utf8("secret"))));
});
for (const how of [{ name: "ECDH", namedCurve: "P-256" }, { name: "X25519" }])
  check(`${how.name}: deriveBits()`, [true, 32], async () => {
    const [one, two] = await Promise.all([0, 1].map(() => subtle.generateKey(how, false, ["deriveBits"])));
    const [first, second] = await Promise.all([subtle.deriveBits({ name: how.name, public: two.publicKey }, one.privateKey, 256), subtle.deriveBits({ name: how.name, public: one.publicKey }, two.privateKey, 256)]);
    return [hex(first) === hex(second), first.byteLength];
  });
check("PBKDF2: deriveBits()", "632c2812e46d4604102ba7618e9d6d7d2f8128f6266b4a03264d2a0460b7dcb3", async () => { // as hashlib of Python gives
  const key = await subtle.importKey("raw", utf8("password"), "PBKDF2", false, ["deriveBits"]);
  return hex(await subtle.deriveBits({ name: "PBKDF2", salt: utf8("salt"), iterations: 1000, hash: "SHA-256" }, key, 256));
});
check("HKDF: deriveBits()", "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf", async () => { // RFC 5869, A.1
  const key = await subtle.importKey("raw", new Uint8Array(22).fill(11), "HKDF", false, ["deriveBits"]);
  return hex(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(13).map((_, i) => i), info: new Uint8Array(10).map((_, i) => 0xf0 + i) }, key, 256));
});
check("exportKey(): jwk and back", ["oct", true], async () => {
  const key = await subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign"]), jwk = await subtle.exportKey("jwk", key), back = await subtle.importKey("jwk", jwk, { name: "HMAC", hash: "SHA-256" }, true, ["sign"]);
  return [jwk.kty, bytes(await subtle.exportKey("raw", back)).join() === bytes(await subtle.exportKey("raw", key)).join()];
});
