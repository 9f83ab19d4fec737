import { area, text, thrown, utf8 } from "../check.js";

const of = (...parts) => new ReadableStream({ start(c) { for (const part of parts) c.enqueue(utf8(part)); c.close(); } });
const decode = value => new TextDecoder().decode(value);

const readable = area("ReadableStream", "runtime-apis/streams/readablestream/");
readable("pull()", "012", () => {
  let n = 0;
  return text(new ReadableStream({ pull(c) { if (n === 3) c.close(); else c.enqueue(utf8(String(n++))); } }));
});
readable("cancel()", "enough", async () => {
  let why;
  const stream = new ReadableStream({ cancel(reason) { why = reason; } });
  await stream.cancel("enough");
  return why;
});
readable("tee()", ["both", "both"], () => Promise.all(of("bo", "th").tee().map(text)));
readable("for await … of", ["a", "b"], async () => {
  const parts = [];
  for await (const part of of("a", "b")) parts.push(decode(part));
  return parts;
});
readable("ReadableStream.from()", ["x", "y"], async () => {
  const parts = [];
  for await (const part of ReadableStream.from(["x", "y"])) parts.push(part);
  return parts;
});
readable("an error reaches who reads", "RangeError", () => thrown(() => text(new ReadableStream({ start(c) { c.error(new RangeError("broken")); } }))));

const reader = area("Readers of streams", "runtime-apis/streams/readablestreamdefaultreader/");
reader("getReader(), read(), releaseLock()", [true, "a", false, "b"], async () => {
  const stream = of("a", "b"), first = stream.getReader(), locked = stream.locked, one = decode((await first.read()).value);
  first.releaseLock();
  return [locked, one, stream.locked, decode((await stream.getReader().read()).value)];
});
reader("getReader({ mode: \"byob\" })", [4, "part"], async () => {
  const stream = new ReadableStream({ type: "bytes", start(c) { c.enqueue(utf8("part")); c.close(); } });
  const { value } = await stream.getReader({ mode: "byob" }).read(new Uint8Array(10));
  return [value.byteLength, decode(value)];
});
reader("readAtLeast()", "abcd", async () => {
  const { readable: out, writable } = new IdentityTransformStream(), writer = writable.getWriter();
  const read = out.getReader({ mode: "byob" }).readAtLeast(4, new Uint8Array(8));
  await writer.write(utf8("ab"));
  await writer.write(utf8("cd"));
  return decode((await read).value);
});

const transform = area("Transforms", "runtime-apis/streams/transformstream/");
transform("TransformStream with transform()", "SHOUT", () => text(of("sh", "out").pipeThrough(new TransformStream({ transform(part, c) { c.enqueue(utf8(decode(part).toUpperCase())); } }))));
transform("TransformStream with flush()", "body.", () => text(of("body").pipeThrough(new TransformStream({ flush(c) { c.enqueue(utf8(".")); } }))));
transform("IdentityTransformStream", "through", async () => text(of("through").pipeThrough(new IdentityTransformStream())));
transform("FixedLengthStream", ["exact", "TypeError"], async () => {
  const fixed = new FixedLengthStream(5), written = of("exact").pipeTo(fixed.writable), read = await text(fixed.readable);
  await written;
  const short = new FixedLengthStream(5), both = Promise.all([of("less").pipeTo(short.writable), text(short.readable)]);
  return [read, await thrown(() => both)];
});
transform("pipeTo() a WritableStream", ["a", "b", "closed"], async () => {
  const got = [];
  await of("a", "b").pipeTo(new WritableStream({ write(part) { got.push(decode(part)); }, close() { got.push("closed"); } }));
  return got;
});
transform("WritableStreamDefaultWriter", ["a", true], async () => {
  const got = [], writer = new WritableStream({ write(part) { got.push(part); } }).getWriter();
  await writer.ready;
  await writer.write("a");
  await writer.close();
  return [...got, await writer.closed === undefined];
});
transform("queuing strategies", [2, 5], () => [
  new WritableStream({}, new CountQueuingStrategy({ highWaterMark: 2 })).getWriter().desiredSize, new WritableStream({}, new ByteLengthQueuingStrategy({ highWaterMark: 5 })).getWriter().desiredSize]);

const compression = area("Compression", "runtime-apis/web-standards/");
for (const format of ["gzip", "deflate", "deflate-raw"])
  compression(`CompressionStream, DecompressionStream: ${format}`, [true, 5000], async () => {
    const small = await new Response(of("x".repeat(5000)).pipeThrough(new CompressionStream(format))).arrayBuffer();
    const large = await new Response(new Response(small).body.pipeThrough(new DecompressionStream(format))).text();
    return [small.byteLength < 200, large.length];
  });
