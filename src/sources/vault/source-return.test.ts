import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  health,
  refused,
  sealedHealth,
  secret,
  startFake,
  type FakeVault,
} from '../../../test/support/vault-fake.ts';
import { asker, target, type Asker, type TargetOptions } from '../../../test/support/vault-lab.ts';
import type { VaultTarget } from './target.ts';
import { MAX_CONCURRENT_REQUESTS } from './transport.ts';

let fake: FakeVault;
let asking: Asker;

beforeEach(async () => {
  fake = await startFake();
  asking = asker();
});
afterEach(async () => {
  await asking.close();
  await fake.close();
});

const role = { roleId: 'role-1', secretId: 'planted' };

function at(changes: Partial<TargetOptions> = {}): VaultTarget {
  return target({ host: fake.address, appRole: role, ...changes });
}

describe('a thousand paths', () => {
  const names = (index: number) => ({ name: `vault-${index % 50}`, path: `secret/data/app-${index}` });
  const broken = refused(500, 'x');

  it.each([
    ['a server that was sealed', sealedHealth, refused(503, 'Vault is sealed'), 0],
    ['a server that broke every read and said it was well', health(), broken, 1_000],
  ])('come back after an outage sixteen at a time: %s', async (_, state, reply, failures) => {
    const all = Array.from({ length: 1_000 }, (_unused, index) => at(names(index)));
    await asking.once(at());
    fake.on('/data/', reply);
    fake.on('sys/health', state);
    const read = new Set<VaultTarget>();
    const running: Promise<void>[] = [];
    const run = async (path: VaultTarget) => {
      if ((await asking.once(path)).kind === 'fields') read.add(path);
    };
    fake.proxy.forgetSeen();
    for (const path of all) await run(path);
    expect(read.size).toBe(0);
    expect(fake.count('/data/')).toBe(Math.max(failures, 1));

    const again = new Map(all.map((path) => [`${path.name} ${path.readId}`, path]));
    const byName = Map.groupBy(all, ({ name }) => name);
    asking.source.onRecovered((name) => {
      for (const path of byName.get(name) ?? [])
        if (again.delete(`${path.name} ${path.readId}`)) running.push(run(path));
    });
    fake.proxy.forgetSeen();
    fake.on('/data/', secret({ a: 'b' }));
    fake.on('sys/health', health());
    const releaseFirst = fake.hold('/data/');
    asking.clock.advance(3_000);
    let release = releaseFirst;
    if (failures > 0) {
      // The server said that it was well: the first of them finds out that it is.
      const first = run(all[0] as VaultTarget);
      await fake.arrived('/data/');
      releaseFirst();
      release = fake.hold('/data/');
      await first;
    }
    await fake.arrived('/data/', MAX_CONCURRENT_REQUESTS + (failures > 0 ? 1 : 0));
    release();
    await vi.waitFor(() => expect(read.size).toBe(1_000), { timeout: 15_000 });
    await Promise.all(running);
    expect(MAX_CONCURRENT_REQUESTS).toBe(16);
    expect(fake.proxy.peak()).toBe(16);
    expect(fake.count('login')).toBe(0);
  });
});
