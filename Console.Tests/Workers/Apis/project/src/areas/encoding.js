import { area, bytes, thrown, utf8 } from "../check.js";

const check = area("Encoding", "runtime-apis/encoding/");
check("TextEncoder.encode()", [226, 130, 172], () => bytes(new TextEncoder().encode("€")));
check("TextEncoder.encodeInto()", [1, 3], () => {
  const { read, written } = new TextEncoder().encodeInto("€€", new Uint8Array(5));
  return [read, written];
});
check("TextDecoder.decode()", "€ and ü", () => new TextDecoder().decode(utf8("€ and ü")));
check("TextDecoder: fatal", "TypeError", () => thrown(() => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff]))));
check("TextDecoder: ignoreBOM", ["a", 2], () => [new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 97])), new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf, 97])).length]);
check("TextDecoder: stream", "€", () => {
  const decoder = new TextDecoder();
  return decoder.decode(new Uint8Array([226, 130]), { stream: true }) + decoder.decode(new Uint8Array([172]));
});
check("TextDecoder of older encodings", ["ü€", "日本", "hi"], () => [
  new TextDecoder("windows-1252").decode(new Uint8Array([0xfc, 0x80])), new TextDecoder("shift_jis").decode(new Uint8Array([0x93, 0xfa, 0x96, 0x7b])), new TextDecoder("utf-16le").decode(new Uint8Array([104, 0, 105, 0]))]);
check("TextEncoderStream, TextDecoderStream", "€!", async () => {
  const stream = new ReadableStream({ start(c) { c.enqueue("€"); c.enqueue("!"); c.close(); } });
  let all = "";
  for await (const part of stream.pipeThrough(new TextEncoderStream()).pipeThrough(new TextDecoderStream())) all += part;
  return all;
});
check("atob(), btoa()", ["YWhveQ==", "ahoy", "InvalidCharacterError"], async () => [btoa("ahoy"), atob("YWhveQ=="), await thrown(() => btoa("€"))]);
check("Uint8Array.fromBase64(), toHex()", ["61686f79", "YWhveQ=="], () => [Uint8Array.fromBase64("YWhveQ==").toHex(), utf8("ahoy").toBase64()]);

const url = area("URLs", "runtime-apis/web-standards/");
url("URL", ["example.com:81", "/a/c", "?q=%C3%BC", "#h", "https://example.com:81"], () => {
  const u = new URL("../c?q=ü#h", "https://user@example.com:81/a/b/");
  return [u.host, u.pathname, u.search, u.hash, u.origin];
});
url("URL.canParse(), URL.parse()", [true, false, null], () => [URL.canParse("https://a/"), URL.canParse("a"), URL.parse("a")]);
url("URLSearchParams", ["1", ["2", "3"], "a=1&b=2&b=3&c=x+y", 4], () => {
  const p = new URLSearchParams("b=2&b=3&a=1");
  p.append("c", "x y");
  p.sort();
  return [p.get("a"), p.getAll("b"), p.toString(), p.size];
});

const pattern = area("URLPattern", "runtime-apis/web-standards/");
pattern("test(), exec()", [true, false, "7"], () => {
  const p = new URLPattern({ pathname: "/users/:id" });
  return [p.test("https://a/users/7"), p.test("https://a/users"), p.exec("https://a/users/7").pathname.groups.id];
});
