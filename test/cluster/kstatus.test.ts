import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureModuleTool } from '../../hack/cluster/module-tool.ts';
import { integration } from '../../hack/demo/objects.ts';
import { until, type KubeJson } from '../support/cluster.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';

/** The library by which Flux and kpt tell whether an object is through, asked about objects as Fairlead leaves them. */
const KSTATUS = { module: 'kstatus', name: 'kstatus', package: '.', takes: '1 minute' };
let kstatus: string;
let p: Platform;
let team: string;

beforeAll(async () => {
  kstatus = await ensureModuleTool(KSTATUS, { log: (line) => console.log(line) });
  p = await platform('kstatus');
  team = await p.namespace('marketing');
  await p.store('marketing', { present: 'x' });
  await p.integration('kstatus', { key: 'x' });
}, 600_000);
afterAll(async () => p?.stop());

async function seenOf(object: KubeJson): Promise<{ status: string; message: string }> {
  const child = spawn(kstatus, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(object));
  return JSON.parse(await text(child.stdout)) as { status: string; message: string };
}

/** What kstatus says of a live object, once Fairlead has said what `reason` is. */
async function seen(kind: string, namespace: string, name: string, reason: string) {
  const object = await until(`${kind}/${name} to be ${reason}`, async () => {
    const found: KubeJson = await p.k.get(kind, namespace, name);
    return found?.status?.conditions?.some((one: KubeJson) => one.reason === reason) && found;
  });
  return { object, ...(await seenOf(object)) };
}

describe('kstatus finds', () => {
  it('what is ready current', async () => {
    await p.k.apply(reference('good', team, { A: 'KUBERNETES/marketing/present' }));
    for (const [kind, namespace, name, reason] of [
      ['secretreference', team, 'good', 'Resolved'],
      ['vaultintegration', SYSTEM, 'kstatus', 'Connected'],
    ] as const) {
      const { object, status } = await seen(kind, namespace, name, reason);
      expect([kind, status]).toEqual([kind, 'Current']);
      // It was changed, and Fairlead has not looked yet.
      object.metadata.generation += 1;
      expect((await seenOf(object)).status).toBe('InProgress');
    }
  });

  it('what waits for others in progress', async () => {
    await p.k.apply(reference('waits', team, { A: 'KUBERNETES/marketing/absent' }));
    expect(await seen('secretreference', team, 'waits', 'KeyNotFound')).toMatchObject({
      status: 'InProgress',
      message: expect.stringContaining('absent'),
    });
  });

  it('what somebody has to change failed', async () => {
    const options = {
      host: p.vault.address,
      path: 'secret/data/kstatus',
      domains: ['*'],
      appRole: { roleId: 'r', secretId: 's' },
      secret: 'login-kstatus',
      displayName: 'kstatus',
    };
    await p.k.apply(integration('kstatus-twin', options));
    try {
      expect(await seen('vaultintegration', SYSTEM, 'kstatus-twin', 'NameConflict')).toMatchObject({
        status: 'Failed',
      });
    } finally {
      await p.k.remove('vaultintegration', SYSTEM, 'kstatus-twin');
    }
  });
});
