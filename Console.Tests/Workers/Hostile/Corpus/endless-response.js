// A response that never ends.
export default { fetch() { const block = new Uint8Array(65536); return new Response(new ReadableStream({ pull(controller) { controller.enqueue(block); } })); } };
