import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secret, startFake, type FakeVault } from '../../../test/support/vault-fake.ts';
import { asker, gist, target, type Asker, type TargetOptions } from '../../../test/support/vault-lab.ts';
import type { VaultAnswer } from './source.ts';
import type { VaultTarget } from './target.ts';

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

/** Asks so many times at once. */
function askAtOnce(count: number, of: VaultTarget = at()): Promise<VaultAnswer>[] {
  return Array.from({ length: count }, () => asking.once(of));
}

function kinds(answers: readonly VaultAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of answers) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function afterMs(answer: VaultAnswer): number | undefined {
  return answer.kind === 'later' ? answer.afterMs : undefined;
}

describe('many who ask at once', () => {
  it('are one request', async () => {
    const release = fake.hold('/data/app');
    const answers = Promise.all(askAtOnce(20));
    await fake.arrived('/data/app');
    release();
    expect(kinds(await answers)).toEqual({ fields: 20 });
    expect(asking.requests).toEqual(['login 200', 'read 200']);
  });

  it('are one request also when they use different integrations', async () => {
    const release = fake.hold('/data/app');
    const answers = Promise.all(['a', 'b', 'c'].flatMap((name) => askAtOnce(3, at({ name }))));
    await fake.arrived('/data/app');
    release();
    expect(kinds(await answers)).toEqual({ fields: 9 });
    expect(fake.count('/data/app')).toBe(1);
  });

  it('share a login though their paths differ', async () => {
    const paths = ['a', 'b', 'c'].map((name) => at({ name, path: `secret/data/${name}` }));
    await Promise.all(paths.map((path) => asking.ask(path)));
    expect(fake.count('/login')).toBe(1);
    expect(fake.count('/data/')).toBe(3);
  });

  it('do not suffer when one of them gives up', async () => {
    const release = fake.hold('/data/app');
    const controller = new AbortController();
    const given = asking.once(at(), 0, controller.signal);
    const others = Promise.all(askAtOnce(2));
    await fake.arrived('/data/app');
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(given).rejects.toBe(reason);
    release();
    expect(kinds(await others)).toEqual({ fields: 2 });
  });

  it('are not even asked for if they gave up before', async () => {
    const reason = new Error('enough');
    await expect(asking.once(at(), 0, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(fake.count()).toBe(0);
  });

  it('may be 24 for one integration, the others come back soon', async () => {
    const release = fake.hold('/data/app');
    const answers = askAtOnce(40);
    const early = await Promise.all(answers.slice(24));
    expect(kinds(early)).toEqual({ later: 16 });
    for (const answer of early) expect(afterMs(answer)).toBeGreaterThanOrEqual(100);
    for (const answer of early) expect(afterMs(answer)).toBeLessThanOrEqual(250);
    await fake.arrived('/data/app');
    release();
    expect(kinds(await Promise.all(answers))).toEqual({ fields: 24, later: 16 });
  });

  it('leave room for other integrations, even on the same Vault', async () => {
    const release = fake.hold('/data/app');
    const crowd = askAtOnce(30);
    expect(gist(await asking.ask(at({ name: 'other', path: 'secret/data/other' })))).toEqual({
      password: 'hunter2',
    });
    await fake.arrived('/data/app');
    release();
    await Promise.all(crowd);
  });

  it('make room when they have gone', async () => {
    asking = asker({ maxWaitersPerIntegration: 1 });
    const release = fake.hold('/data/app');
    const controller = new AbortController();
    const first = asking.once(at(), 0, controller.signal);
    expect(gist(await asking.once(at()))).toBe('later');
    controller.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    const second = asking.once(at());
    await fake.arrived('/data/app');
    release();
    expect(gist(await second)).toEqual({ password: 'hunter2' });
  });
});

describe('a value', () => {
  it('serves who came before it was read, for two seconds', async () => {
    const came = asking.clock.now();
    await asking.once(at());
    asking.clock.advance(1_999);
    expect(gist(await asking.once(at(), came))).toEqual({ password: 'hunter2' });
    expect(fake.count('/data/app')).toBe(1);
    asking.clock.advance(1);
    await asking.once(at(), came);
    expect(fake.count('/data/app')).toBe(2);
  });

  it('does not serve who came after its request started', async () => {
    await asking.once(at());
    asking.clock.advance(1);
    expect(afterMs(await asking.once(at()))).toBe(999);
    expect(fake.count('/data/app')).toBe(1);
    asking.clock.advance(999);
    expect(gist(await asking.once(at()))).toEqual({ password: 'hunter2' });
    expect(fake.count('/data/app')).toBe(2);
  });

  it('of a request on its way does not serve who came after it started', async () => {
    const release = fake.hold('/data/app');
    const first = asking.once(at());
    await fake.arrived('/data/app');
    asking.clock.advance(600);
    expect(afterMs(await asking.once(at()))).toBe(600);
    fake.on('/data/app', secret({ password: 'new' }));
    release();
    expect(gist(await first)).toEqual({ password: 'hunter2' });
    expect(gist(await asking.ask(at()))).toEqual({ password: 'new' });
  });

  it.each([
    [10, 990],
    [950, 950],
    [3_000, 1_000],
  ])('that takes long makes the others come back less often: after %d ms in %d ms', async (age, expected) => {
    const release = fake.hold('/data/app');
    const first = asking.once(at());
    await fake.arrived('/data/app');
    asking.clock.advance(age);
    expect(afterMs(await asking.once(at()))).toBe(expected);
    release();
    await first;
  });

  it('is dropped when its time is over', async () => {
    const kept = () => asking.clock.pending;
    await asking.once(at());
    expect(kept()).toBeGreaterThan(0);
    const before = kept();
    asking.clock.advance(2_000);
    expect(kept()).toBe(before - 1);
  });

  it('is read about four times for a thousand pods in five seconds, and is stale for none', async () => {
    let version = 0;
    fake.on('/data/app', () => secret({ version: String((version += 1)) }));
    const waiting: { notBefore: number; wakeAt: number; atLeast: number }[] = [];
    let served = 0;
    for (let tick = 0; tick < 800; tick += 1) {
      const now = asking.clock.now();
      // Two pods each ten milliseconds; what was read before a pod came is too old for it.
      if (tick < 500)
        for (const _ of [1, 2]) waiting.push({ notBefore: now, wakeAt: now, atLeast: version + 1 });
      for (const pod of waiting.filter(({ wakeAt }) => wakeAt <= now)) {
        const answer = await asking.once(at(), pod.notBefore);
        if (answer.kind === 'later') pod.wakeAt = now + answer.afterMs;
        if (answer.kind !== 'fields') continue;
        expect(Number(answer.fields.get('version'))).toBeGreaterThanOrEqual(pod.atLeast);
        waiting.splice(waiting.indexOf(pod), 1);
        served += 1;
      }
      asking.clock.advance(10);
    }
    expect(served).toBe(1_000);
    expect(version).toBeLessThanOrEqual(5);
    expect(version).toBeGreaterThanOrEqual(3);
  });
});
