// An S3 service on loopback, in memory, for tests. Adds what fauxqs lacks: If-None-Match on writes.
// Prints its port; ends with its standard input. "refuse 1" and "refuse 0" on standard input switch an outage on and off; "full" answers 507.
import { createInterface } from 'node:readline';
import { buildApp } from './node_modules/fauxqs/dist/app.js';
import { S3Store } from './node_modules/fauxqs/dist/s3/s3Store.js';

const store = new S3Store();
const app = buildApp({ logger: false, stores: { s3Store: store } });
let mode = 'ok';
const has = (bucket, key) => { try { return !!store.headObject(bucket, key); } catch { return false; } };
const fail = (reply, status, code) => reply.code(status).header('content-type', 'application/xml').send(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
app.addHook('preHandler', async (request, reply) => {
  const bucket = request.params?.bucket, key = request.params?.['*'];
  const writes = request.method === 'PUT' || request.method === 'POST';
  if (mode === 'away') return fail(reply, 503, 'ServiceUnavailable');
  if (mode === 'full' && writes && key) return fail(reply, 507, 'InsufficientStorage');
  if (mode === 'readonly' && (writes || request.method === 'DELETE') && key) return fail(reply, 403, 'AccessDenied');
  if (request.method === 'PUT' && request.headers['if-none-match'] === '*' && has(bucket, key)) return fail(reply, 412, 'PreconditionFailed');
});
const address = await app.listen({ host: '127.0.0.1', port: 0 });
console.log(new URL(address).port);
for await (const line of createInterface({ input: process.stdin })) {
  mode = line.trim();
  console.log('mode ' + mode);
}
process.exit(0);
