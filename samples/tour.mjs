// The main tasks on real engines, over REST, without a hand: ./run.sh --tour
// Each step prints one line with figures; the first that does not hold ends the tour with status 1. Nothing is left behind either way.
import { spawn, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, openSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { backUpAndRestore } from './tour-restore.mjs';
import { deployAndCall } from './tour-workers.mjs';

const console_ = process.argv[2];
const data = mkdtempSync(join(tmpdir(), 'quarterdeck-tour-'));
const token = randomBytes(24).toString('hex');
const run = randomBytes(3).toString('hex');
const [port, appliancePort, workerPort] = await Promise.all([freePort(), freePort(), freePort()]);
const base = `http://127.0.0.1:${port}`;
const started = Date.now();
const made = { vms: new Set(), plugins: new Set() };
let child;

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, async () => { await cleanUp(); process.exit(130); });
const deadline = setTimeout(async () => { console.log('✗ the tour takes longer than ten minutes'); await cleanUp(); process.exit(1); }, 590_000);

try {
  const ova = join(data, 'harbour-light.ova');
  await step('build the demo appliance', async () => {
    execFileSync('samples/appliance/build.sh', [ova], { stdio: ['ignore', 'pipe', 'inherit'] });
    return `${mebibytes(readFileSync(ova).length)} package`;
  });

  await step('start the console', async () => {
    const log = openSync(join(data, 'console.log'), 'w');
    child = spawn('dotnet', [console_], { stdio: ['ignore', log, log], env: { ...process.env, QUARTERDECK_DATA: data, QUARTERDECK_URLS: base, QUARTERDECK_ADMIN_TOKEN: token,
      QUARTERDECK_APPLIANCE_URL: `https://10.0.2.2:${appliancePort}`, QUARTERDECK_WORKER_URLS: `http://127.0.0.1:${workerPort}` } });
    child.ended = new Promise(resolve => child.once('exit', (code, signal) => resolve(signal ?? code)));
    await until('the console is ready', 60, async () => {
      if (child.exitCode !== null) throw new Error(`the console ended: ${readFileSync(join(data, 'console.log'), 'utf8').slice(-2000)}`);
      return (await fetch(`${base}/healthz/ready`).catch(() => null))?.status === 200;
    });
    return `ready on ${base}`;
  });

  let host;
  await step('find the local hypervisor', async () => {
    host = (await get('/hosts')).items.find(h => h.uri.startsWith('qemu:')) ?? fail('no qemu host: is libvirt installed?');
    await until(`${host.name} is connected`, 20, async () => (host = await get(`/hosts/${host.id}`)).state === 'connected');
    return `${host.name}, ${host.uri}, version ${host.version}`;
  });
  const before = volumes();

  let vm;
  await step('create a virtual machine', async () => {
    const operation = await accepted('POST', '/vms', { name: `tour-${run}`, hostId: host.id, vcpus: 1, memoryMiB: 128, disks: [{ sizeGiB: 1 }] });
    const done = await finished(operation);
    made.vms.add(done.result.vmId);
    vm = await get(`/vms/${done.result.vmId}`);
    return `${done.steps.length} steps; disk ${vm.disks[0].path}`;
  });
  for (const [action, state] of [['start', 'running'], ['stop', 'off']])
    await step(`${action} it`, async () => {
      await finished(await accepted('POST', `/vms/${vm.id}/actions/${action}`));
      await until(`it is ${state}`, 10, async () => (await get(`/vms/${vm.id}`)).state === state);
      return `state ${state}`;
    });
  await step('delete it with its disk', async () => {
    await finished(await accepted('DELETE', `/vms/${vm.id}?disks=true`));
    await until('it is gone', 10, async () => (await call('GET', `/vms/${vm.id}`)).status === 404);
    made.vms.delete(vm.id);
    return 'VM and volume are gone';
  });

  await backUpAndRestore({ step, get, post: json, accepted, finished, host, run, data, made, fail });

  await deployAndCall({ step, get, put: (path, body) => json('PUT', path, body), del, until, run, workers: `http://127.0.0.1:${workerPort}`, fail });

  let plugin;
  await step('import the appliance, until its plug-in is ready', async () => {
    const form = new FormData();
    form.append('spec', new Blob([JSON.stringify({ name: `tour-light-${run}`, hostId: host.id, properties: { greeting: 'Hello from the tour', 'admin.password': randomBytes(9).toString('hex') },
      networks: { Management: 'user' }, allowUnsigned: true })], { type: 'application/json' }));
    form.append('file', new Blob([readFileSync(ova)]), 'harbour-light.ova');
    const upload = Date.now();
    const operation = await accepted('POST', '/appliances', form);
    const done = await finished(operation);
    made.plugins.add(done.result.pluginId); made.vms.add(done.result.vmId);
    await until('the plug-in is ready', 60, async () => (plugin = await get(`/plugins/${done.result.pluginId}`)).state === 'ready');
    return `${plugin.name} ${plugin.version} in ${seconds(Date.now() - upload)}: ${done.steps.map(s => s.title ?? s.key).join(', ')}`;
  });
  await step('hear its heartbeats', async () => {
    const heard = new Set();
    await until('a second heartbeat came', 60, async () => heard.add((await get(`/plugins/${plugin.id}`)).health.at).size >= 2, 500);
    return [...heard].join(', ');
  });
  await step('disable the plug-in', async () => {
    await finished(await accepted('POST', `/plugins/${plugin.id}/actions/disable`));
    return `state ${(await get(`/plugins/${plugin.id}`)).state}`;
  });
  await step('uninstall it', async () => {
    await finished(await accepted('DELETE', `/plugins/${plugin.id}`));
    await until('the plug-in is gone', 10, async () => (await call('GET', `/plugins/${plugin.id}`)).status === 404);
    made.plugins.clear();
    return 'plug-in and token are gone';
  });
  await step('find nothing left', async () => {
    const left = (await get(`/vms?search=${run}&pageSize=500`)).items.map(v => v.name);
    const files = volumes().filter(file => !before.includes(file));
    if (left.length + files.length > 0) fail(`left behind: ${[...left, ...files].join(', ')}`);
    made.vms.clear();
    return 'no VM, no volume';
  });
  await step('stop the console', async () => {
    child.kill('SIGTERM');
    const end = await Promise.race([child.ended, sleep(20_000, 'still running after 20 s')]);
    if (end !== 0) fail(`it ended with ${end}`);
    return 'ended by SIGTERM with status 0';
  });
  console.log(`✓ tour done in ${seconds(Date.now() - started)}`);
} catch (error) {
  console.log(`✗ ${error.message}`);
  try { console.log(readFileSync(join(data, 'console.log'), 'utf8').split('\n').slice(-40).join('\n')); } catch { /* it was never started */ }
  process.exitCode = 1;
} finally {
  clearTimeout(deadline);
  await cleanUp();
}

// Removes over REST what a broken tour left, then stops the console and drops its data.
async function cleanUp() {
  if (child && child.exitCode === null && child.signalCode === null) {
    for (const id of made.plugins) await finished(await accepted('DELETE', `/plugins/${id}`)).catch(() => {});
    const left = await get(`/vms?search=${run}`).catch(() => ({ items: [] }));
    for (const vm of left.items) {
      if (vm.state !== 'off') await accepted('POST', `/vms/${vm.id}/actions/stop`).then(finished).catch(() => {});
      await accepted('DELETE', `/vms/${vm.id}?disks=true`).then(finished).catch(() => {});
    }
    child.kill('SIGTERM');
    if (await Promise.race([child.ended, sleep(20_000, 'late')]) === 'late') child.kill('SIGKILL');
  }
  rmSync(data, { recursive: true, force: true });
}

async function step(title, action) {
  const from = Date.now();
  try { console.log(`✓ ${title}: ${await action()}  [${seconds(Date.now() - from)}]`); }
  catch (error) { throw new Error(`${title}: ${error.message}`); }
}

async function call(method, path, body) {
  const json = body !== undefined && !(body instanceof FormData);
  return await fetch(`${base}/api/v1${path}`, { method, body: json ? JSON.stringify(body) : body, headers: { authorization: `Bearer ${token}`, ...(json && { 'content-type': 'application/json' }) } });
}
async function get(path) {
  const answer = await call('GET', path);
  return answer.ok ? await answer.json() : fail(`GET ${path}: ${answer.status} ${await answer.text()}`);
}
async function json(method, path, body) {
  const answer = await call(method, path, body);
  return answer.ok ? await answer.json() : fail(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}
async function del(path) {
  const answer = await call('DELETE', path);
  if (!answer.ok) fail(`DELETE ${path}: ${answer.status} ${await answer.text()}`);
}
async function accepted(method, path, body) {
  const answer = await call(method, path, body);
  return answer.status === 202 ? (await answer.json()).operationId : fail(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}
async function finished(id) {
  let operation;
  await until(`operation ${id} ends`, 180, async () => !['queued', 'running'].includes((operation = await get(`/operations/${id}`)).state), 100);
  if (!['succeeded', 'warning'].includes(operation.state)) fail(`operation ${operation.kind} ${operation.state}: ${operation.problem?.title} ${operation.problem?.detail ?? ''}`);
  return operation;
}
async function until(what, limit, condition, pause = 100) {
  for (const end = Date.now() + limit * 1000; !await condition(); await sleep(pause)) if (Date.now() > end) fail(`after ${limit} s still not: ${what}`);
}
function volumes() { try { return readdirSync('/var/lib/libvirt/images'); } catch { return []; } }
function fail(message) { throw new Error(message); }
function seconds(ms) { return `${(ms / 1000).toFixed(1)} s`; }
function mebibytes(bytes) { return `${(bytes / 1048576).toFixed(1)} MiB`; }
function freePort() {
  return new Promise(resolve => { const server = createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); }); });
}
