import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '../demo/ui.ts';
import type { Lab } from './lab.ts';
import { timed, underLoad, type Load, type Outcome } from './load.ts';
import { metric } from './metrics.ts';

const run = promisify(execFile);
/** Room for the audit of the pods before. */
const DISK_MB = 4;

/** The disk that the audit is on is full for a while. Needs root, to mount a small one. */
export async function auditDisk(lab: Lab, load: Load): Promise<Outcome> {
  const disk = join(lab.dir, 'disk');
  await mkdir(disk);
  await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', disk]);
  try {
    await replace(lab, ['--audit-log', join(disk, 'audit.log')]);
    return await underLoad(lab, 'disk of the audit full', load, async () => {
      const leader = await lab.leader();
      const filler = join(disk, 'filler');
      await fill(filler);
      const writable = async () => metric(leader, 'audit_writable');
      await waitFor('the audit to be unwritable', async () => ((await writable()) === 0 ? true : undefined));
      const waiting = await waitFor('pods to wait for it', async () => {
        const count = await metric(leader, 'pods_waiting', 'reason="DeliveryRefused"');
        return count >= 20 ? count : undefined;
      });
      await rm(filler);
      const took = await timed(async () =>
        waitFor('the audit to be writable', async () => ((await writable()) === 1 ? true : undefined)),
      );
      return `${waiting} or more pods waited with DeliveryRefused; written again ${took} s after there was room`;
    });
  } finally {
    await replace(lab, []);
    await run('umount', [disk]);
  }
}

/** One controller with these flags, and then another one. */
async function replace(lab: Lab, flags: readonly string[]): Promise<void> {
  const before = lab.replicas.of('controller');
  for (const old of before) await lab.replicas.stop(old);
  for (const _ of before) await lab.replicas.add('controller', flags);
}

/** To the last byte. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const size of [65_536, 1]) {
      const bytes = Buffer.alloc(size);
      for (;;) {
        const full = await file.write(bytes).then(
          ({ bytesWritten }) => bytesWritten < size,
          () => true,
        );
        if (full) break;
      }
    }
  } finally {
    await file.close();
  }
}
