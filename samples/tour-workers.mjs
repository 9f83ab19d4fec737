// The tour's part on workers: code is deployed, its zone answers, the process it ran in is killed, and the zone answers again.
import { request } from 'node:http';

export async function deployAndCall({ step, get, put, del, until, run, workers, fail }) {
  const name = `tour-${run}`, zone = `tour-${run}.example.test`;
  const ask = (path = '/') => new Promise(resolve => request({ host: '127.0.0.1', port: new URL(workers).port, path, headers: { host: zone } }, response => {
    let body = '';
    response.on('data', part => body += part).on('end', () => resolve({ status: response.statusCode, body })).on('error', () => resolve({ status: 0, body }));
  }).on('error', error => resolve({ status: 0, body: error.message })).end());
  const answers = async (what, wanted) => {
    let last;
    const began = Date.now();
    await until(what, 60, async () => (last = await ask()).status === 200 && last.body === wanted, 20).catch(error => fail(`${error.message}: ${JSON.stringify(last)}`));
    return Date.now() - began;
  };

  await step('deploy a worker', async () => {
    const form = new FormData();
    form.append('metadata', new Blob([JSON.stringify({ mainModule: 'main.js', compatibilityDate: '2026-11-01', bindings: { GREETING: { type: 'plain', value: 'Hello' } } })], { type: 'application/json' }));
    form.append('main.js', new Blob(['export default { fetch(request, env) { return new Response(`${env.GREETING} from ${new URL(request.url).hostname}`); } };'], { type: 'text/javascript' }), 'main.js');
    const made = await put(`/workers/${name}`, form);
    await put(`/zones/${zone}`, { hostname: zone, routes: [{ pattern: `${zone}/*`, worker: name }] });
    return `${made.name}, version ${made.version}`;
  });
  let server;
  await step('call its zone', async () => {
    const took = await answers('the zone answers', `Hello from ${zone}`);
    server = (await get('/compute-servers')).items.find(s => s.workers > 0) ?? fail('no compute server has a worker');
    return `answered after ${took} ms from process ${server.pid}, guard ${server.guard}`;
  });
  await step('kill its process, and call again', async () => {
    process.kill(server.pid, 'SIGKILL');
    const took = await answers('the zone answers again', `Hello from ${zone}`);
    await until('the list shows another process', 30, async () => (await get('/compute-servers')).items.some(s => s.id === server.id && s.pid && s.pid !== server.pid));
    return `answered after ${took} ms from another process`;
  });
  await step('remove the worker', async () => {
    await del(`/zones/${zone}`);
    await del(`/workers/${name}`);
    return 'its zone answers no more';
  });
}
