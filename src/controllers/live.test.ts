import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { RESOURCES } from '../api/resources.ts';
import { KubeError } from '../kube/errors.ts';
import type { KubeObject } from '../kube/objects.ts';
import { LiveReads } from './live.ts';

const ref = { namespace: 'team-a', name: 'warehouse' };

/** Live reads over a client whose answers the test gives one by one. */
function setUp() {
  const clock = new FakeClock();
  const asked: PromiseWithResolvers<KubeObject>[] = [];
  const client = {
    get: async () => {
      const answer = Promise.withResolvers<KubeObject>();
      asked.push(answer);
      return answer.promise;
    },
  };
  const live = new LiveReads(client as never, clock);
  const signal = new AbortController().signal;
  const get = async (notBefore: number) =>
    live.get(RESOURCES.secretReferences, ref, ({ metadata }) => metadata.resourceVersion, {
      notBefore,
      signal,
    });
  const version = (resourceVersion: string): KubeObject => ({
    metadata: { name: 'warehouse', uid: 'u', resourceVersion },
  });
  return { clock, asked, get, version, live };
}

describe('a live read', () => {
  it('is one request for all who came before it started', async () => {
    const { clock, asked, get, version } = setUp();
    await clock.advance(100);
    const answers = [get(50), get(100), get(0)];
    asked[0]?.resolve(version('7'));
    expect(await Promise.all(answers)).toEqual(['7', '7', '7']);
    expect(asked).toHaveLength(1);
  });

  it('is made anew for whoever came after it started', async () => {
    const { clock, asked, get, version } = setUp();
    const early = get(0);
    await clock.advance(5);
    const late = get(5);
    asked[0]?.resolve(version('7'));
    asked[1]?.resolve(version('8'));
    expect([await early, await late]).toEqual(['7', '8']);
  });

  it('serves those of the same burst for a second after it ended, and is dropped then', async () => {
    const { clock, asked, get, version } = setUp();
    const first = get(0);
    asked[0]?.resolve(version('7'));
    await first;
    await clock.advance(900);
    expect(await get(0)).toBe('7');
    await clock.advance(200);
    const again = get(0);
    asked[1]?.resolve(version('8'));
    expect(await again).toBe('8');
  });

  it('says undefined for what is not there', async () => {
    const { asked, get } = setUp();
    const answer = get(0);
    asked[0]?.reject(new KubeError({ code: 'NotFound', message: 'x' }));
    expect(await answer).toBeUndefined();
  });

  it('passes an error on to all who wait, and is tried again by the next', async () => {
    const { asked, get, version } = setUp();
    const answers = [get(0), get(0)];
    asked[0]?.reject(new KubeError({ code: 'Unreachable', message: 'x' }));
    for (const answer of answers) await expect(answer).rejects.toMatchObject({ code: 'Unreachable' });
    const again = get(0);
    asked[1]?.resolve(version('7'));
    expect(await again).toBe('7');
  });

  it('does not begin for somebody who is gone', async () => {
    const { asked, live } = setUp();
    const signal = AbortSignal.abort();
    await expect(
      live.get(RESOURCES.namespaces, { name: 'x' }, (raw) => raw, { notBefore: 0, signal }),
    ).rejects.toThrow();
    expect(asked).toHaveLength(0);
  });
});
