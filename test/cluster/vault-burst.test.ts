import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import { VaultSource } from '../../src/sources/vault/source.ts';
import { startLab, target, type VaultLab } from '../support/vault-lab.ts';

/** By the real clock: a thousand callers who share a path of a real OpenBao. */

let lab: VaultLab;

beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab.close());

describe('a thousand callers within three seconds', () => {
  it('are served by a few requests, none with a value older than itself', async () => {
    const source = new VaultSource({ clock: systemClock, random: Math.random });
    let written = 0;
    const rotate = async () => lab.put('secret/data/app', { written: String((written += 1)) });
    await rotate();
    const role = await lab.appRole('burst', { token_policies: ['burst'] });
    await lab.policy('burst', 'secret/data/app');
    const names = ['one', 'two', 'three'].map((name) =>
      target({ name, host: lab.proxy.address, appRole: role, path: 'secret/data/app' }),
    );
    const { signal } = new AbortController();

    async function call(index: number): Promise<number> {
      await delay(index * 3);
      const atLeast = written;
      const notBefore = performance.now();
      for (;;) {
        const of = names[index % names.length];
        if (!of) throw new RangeError('no target');
        const answer = await source.read(of, { notBefore, signal });
        if (answer.kind === 'failed') throw new Error(answer.message);
        if (answer.kind === 'later') {
          await delay(answer.afterMs);
          continue;
        }
        expect(Number(answer.fields.get('written'))).toBeGreaterThanOrEqual(atLeast);
        return performance.now() - notBefore;
      }
    }

    const rotating = (async () => {
      for (let round = 0; round < 10; round += 1) {
        await delay(250);
        await rotate();
      }
    })();
    const waits = await Promise.all(Array.from({ length: 1_000 }, (_, index) => call(index)));
    await rotating;
    expect(lab.proxy.count('/data/app')).toBeLessThanOrEqual(6);
    expect(lab.proxy.count('/login')).toBe(1);
    expect(Math.max(...waits)).toBeLessThan(3_000);
    await source.stop(AbortSignal.timeout(5_000));
    expect(lab.proxy.count('revoke-self')).toBe(1);
  });
});
