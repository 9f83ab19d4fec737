// Messages of the checks: sent by a request, told by KV once they were handled.
export const sends = {
  send: queue => queue.send({ is: "send", deep: [1] }),
  batch: queue => queue.sendBatch([
    { body: { is: "json" } }, { body: "text", contentType: "text" }, { body: new Uint8Array([1, 2]), contentType: "bytes" }, { body: new Map([["is", new Date("2026-01-01")]]), contentType: "v8" },
  ]),
  retry: queue => queue.send({ is: "retry" }),
  dead: queue => queue.send({ is: "dead" }),
  delayed: queue => queue.send({ is: "delayed", at: Date.now() }, { delaySeconds: 2 }),
};

export async function handle(batch, env) {
  for (const message of batch.messages) {
    const { body } = message, tell = (name, what) => env.KV.put(`queue ${name}`, JSON.stringify(what));
    if (batch.queue === "apis-dead") await tell("dead", [body.is]);
    else if (body === "text") await tell("text", [body]);
    else if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) await tell("bytes", [...new Uint8Array(body)]);
    else if (body instanceof Map) await tell("v8", [body.get("is").toISOString()]);
    else if (body.is === "send") await tell("send", [batch.queue, typeof message.id, message.timestamp instanceof Date, message.attempts, body.deep]);
    else if (body.is === "json") await tell("json", [body.is]);
    else if (body.is === "delayed") await tell("delayed", [Date.now() - body.at >= 2000]);
    else if (body.is === "dead" || message.attempts === 1) { message.retry(); continue; }
    else await tell("retry", [message.attempts]);
    message.ack();
  }
}
