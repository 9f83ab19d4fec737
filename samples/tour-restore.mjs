// The tour's part on backups: a running VM is backed up, 5 % of its disk is changed, and it is restored by moving only the difference.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const megabyte = 1 << 20, size = 256, filled = 192, changed = 13; // MiB

export async function backUpAndRestore({ step, get, post, accepted, finished, host, run, data, made, fail }) {
  const name = `tour-restore-${run}`;
  let vm, repository, point, before;

  await step('make a VM with data on its disk', async () => {
    const done = await finished(await accepted('POST', '/vms', { name, hostId: host.id, vcpus: 1, memoryMiB: 64, disks: [{ sizeGiB: size / 1024 }] }));
    made.vms.add(done.result.vmId);
    vm = await get(`/vms/${done.result.vmId}`);
    const noise = join(data, 'noise');
    writeFileSync(noise, randomBytes(16 * megabyte));
    for (let at = 0; at < filled; at += 16) run_('qemu-io', '-f', 'qcow2', '-c', `write -q -s ${noise} ${at * megabyte} ${16 * megabyte}`, '-c', `write -q -P ${at / 16 + 1} ${at * megabyte} 4096`, vm.disks[0].path);
    rmSync(noise);
    before = await digest(vm.disks[0].path, data);
    return `${filled} of ${size} MiB, digest ${before.slice(0, 12)}`;
  });

  await step('back it up while it runs', async () => {
    repository = (await get('/repositories')).items[0] ?? fail('there is no repository');
    await finished(await accepted('POST', `/vms/${vm.id}/actions/start`));
    const done = await finished(await accepted('POST', `/vms/${vm.id}/actions/backup`, { repositoryId: repository.id }));
    point = done.result.recoveryPointId;
    return `${mebibytes(done.result.readBytes)} read, ${mebibytes(done.result.storedBytes)} stored in ${repository.name}, ${done.result.seconds.toFixed(1)} s`;
  });

  await step('change 5 % of the disk while it runs', async () => {
    run_('virsh', '-q', '-c', host.uri, 'qemu-monitor-command', '--hmp', '--domain', name, `qemu-io -d /machine/peripheral/virtio-disk0/virtio-backend "write -P 77 ${50 * megabyte} ${changed * megabyte}"`);
    return `${changed} MiB`;
  });

  await step('see the plan of a restore', async () => {
    const plan = await post('POST', '/restores', { recoveryPointId: point, mode: 'incremental', plan: true, start: false });
    if (plan.refusals.length > 0) fail(plan.refusals.join(' '));
    return `about ${plan.seconds} s; the last backup is ${plan.common.usable ? '' : 'not '}the common point`;
  });

  await step('restore it by the difference alone', async () => {
    const { result } = await finished(await accepted('POST', '/restores', { recoveryPointId: point, mode: 'incremental', start: false, shutdownSeconds: 0 }));
    if (result.sentBytes > 1.05 * result.chunks * 65536) fail(`${result.sentBytes} bytes moved for ${result.chunks} chunks`);
    return `${result.chunks} chunks differed: ${mebibytes(result.readBytes)} read, ${mebibytes(result.sentBytes)} moved, ${result.seconds.toFixed(1)} s`;
  });

  await step('compare the digests', async () => {
    const after = await digest(vm.disks[0].path, data);
    if (after !== before) fail(`the disk's digest is ${after}, and was ${before}`);
    return `${after.slice(0, 12)} as before`;
  });

  await step('delete the VM', async () => {
    await finished(await accepted('DELETE', `/vms/${vm.id}?disks=true`));
    made.vms.delete(vm.id);
    return 'VM and disk are gone; its recovery points stay';
  });
}

async function digest(image, folder) {
  const raw = join(folder, 'digest.raw');
  run_('qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', image, raw);
  const hash = createHash('sha256');
  await pipeline(createReadStream(raw), hash);
  rmSync(raw);
  return hash.digest('hex');
}
function run_(program, ...parts) { return execFileSync(program, parts, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' }); }
function mebibytes(bytes) { return `${(bytes / megabyte).toFixed(1)} MiB`; }
