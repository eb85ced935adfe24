import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import { VaultSource } from '../../src/sources/vault/source.ts';
import { MAX_CONCURRENT_REQUESTS } from '../../src/sources/vault/transport.ts';
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
    // Three spacings of two seconds, at the very most: nobody is passed over.
    expect(Math.max(...waits)).toBeLessThan(6_000);
    await source.stop(AbortSignal.timeout(5_000));
    expect(lab.proxy.count('revoke-self')).toBe(1);
  });
});

describe('a thousand callers with a path each, after an outage', () => {
  it('are told when Vault is back, and send no more at once than the limit', async () => {
    const source = new VaultSource({ clock: systemClock, random: Math.random });
    const { signal } = new AbortController();
    const role = await lab.appRole('crowd', { token_policies: ['crowd'] });
    await lab.policy('crowd', 'secret/data/*');
    const names = Array.from({ length: 1_000 }, (_, index) => `crowd-${index}`);
    await Promise.all(names.map(async (name) => lab.put(`secret/data/${name}`, { name })));
    const woken = new Map(names.map((name) => [name, Promise.withResolvers<void>()]));
    source.onRecovered((name) => {
      woken.get(name)?.resolve();
      woken.set(name, Promise.withResolvers());
    });

    let [atOnce, most] = [0, 0];
    const begun: number[] = [];
    lab.proxy.intercept = ({ path }) => {
      if (!path.includes('/data/')) return undefined;
      begun.push(performance.now());
      most = Math.max(most, (atOnce += 1));
      return { kind: 'hold', until: delay(2).then(() => (atOnce -= 1)) };
    };
    let waiting = 0;
    async function call(name: string): Promise<number> {
      const of = target({ name, host: lab.proxy.address, appRole: role, path: `secret/data/${name}` });
      for (;;) {
        const answer = await source.read(of, { notBefore: performance.now(), signal });
        if (answer.kind === 'fields') return performance.now();
        const told = woken.get(name)?.promise;
        waiting += 1;
        if (answer.kind === 'failed') expect(answer.reason).toBe('Sealed');
        await Promise.race([told, delay(answer.kind === 'later' ? answer.afterMs : answer.retryAfterMs)]);
      }
    }

    await lab.bao.seal();
    const calls = Promise.all(names.map(call));
    await expect.poll(() => waiting, { timeout: 20_000 }).toBeGreaterThanOrEqual(1_000);
    begun.length = 0;
    await lab.bao.unseal();
    const back = performance.now();
    await calls;
    // The server is looked at every 1.5 s; the pauses of those who wait would be longer.
    expect(Math.min(...begun) - back).toBeLessThan(8_000);
    expect(begun.length).toBeLessThanOrEqual(1_010);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(MAX_CONCURRENT_REQUESTS);
    lab.proxy.intercept = undefined;
    await source.stop(AbortSignal.timeout(5_000));
  });
});
