import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { key, wanted } from '../../../test/support/vault-auth.ts';
import {
  deadToken,
  ok,
  refused,
  secret,
  startFake,
  type FakeVault,
} from '../../../test/support/vault-fake.ts';
import { asker, gist, target, type Asker, type TargetOptions } from '../../../test/support/vault-lab.ts';
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

describe('a token that is good for three requests', () => {
  const uses = new Map<unknown, number>();
  const role = { roleId: 'role-1', secretId: 'planted' };
  const at = (changes: Partial<TargetOptions> = {}): VaultTarget =>
    target({ host: fake.address, appRole: role, ...changes });

  beforeEach(() => {
    uses.clear();
    let logins = 0;
    const counting = (reply: Parameters<FakeVault['on']>[1]): Parameters<FakeVault['on']>[1] => {
      return (request) => {
        const token = request.headers['x-vault-token'];
        uses.set(token, (uses.get(token) ?? 0) + 1);
        if ((uses.get(token) ?? 0) > 3) return deadToken;
        return typeof reply === 'function' ? reply(request) : reply;
      };
    };
    fake.on('/v1/', counting(refused(404)));
    fake.on('lookup-self', counting(ok({ data: { num_uses: 1 } })));
    fake.on('/data/', counting(secret({ a: 'b' })));
    fake.on('version=9', counting(refused(404)));
    fake.on('/login', () => {
      const auth = { client_token: `limited-${(logins += 1)}`, lease_duration: 3600, num_uses: 3 };
      return ok({ auth });
    });
  });

  it('serves eight places at once: there is a login for every three', async () => {
    const places = Array.from({ length: 8 }, (_, index) => at({ place: { path: `db-${index}` } }));
    const answers = await Promise.all(places.map((place) => asking.once(place)));
    expect(answers.map(gist)).toEqual(places.map(() => ({ a: 'b' })));
    expect(fake.count('/login')).toBe(3);
    expect(fake.count('lookup-self')).toBe(0);
    expect(Math.max(...uses.values())).toBeLessThanOrEqual(3);
  });

  it('serves one place again and again', async () => {
    for (let read = 0; read < 10; read += 1) {
      expect(gist(await asking.once(at()))).toEqual({ a: 'b' });
      asking.clock.advance(5_000);
    }
    expect(fake.count('/login')).toBe(4);
  });

  it('is replaced within a read that takes several', async () => {
    for (let read = 0; read < 2; read += 1) {
      await asking.once(at());
      asking.clock.advance(5_000);
    }
    // The third use finds no such version; whether the secret is there takes one more.
    expect(gist(await asking.once(at({ place: { version: 9 } })))).toBe('VersionNotFound');
    expect(fake.count('/login')).toBe(2);
  });

  it('is replaced within an inspection', async () => {
    fake.on('/metadata/', (request) =>
      request.headers['x-vault-token'] === 'limited-1' ? deadToken : ok({ data: { keys: ['a', 'b'] } }),
    );
    for (let read = 0; read < 2; read += 1) {
      await asking.once(at());
      asking.clock.advance(5_000);
    }
    expect(await asking.source.inspect(at(), true, new AbortController().signal)).toMatchObject({
      entries: 2,
    });
  });
});

describe('a role id in the integration and the same one in a Secret', () => {
  const spellings = {
    inline: { roleId: 'role-1' },
    referred: { roleIdRef: key('roleId', 'role') },
  };
  const wrong = (index: number, how: keyof typeof spellings) =>
    wanted({
      name: `${how}-${index}`,
      host: fake.address,
      auth: { appRole: { ...spellings[how], secretIdRef: key('secretId') } },
      secrets: { role: { roleId: 'role-1' }, login: { secretId: `planted-${index}` } },
      uid: `uid-${index}`,
    });

  it('are one account: bad logins of either count for both', async () => {
    fake.on('/login', refused(400, 'invalid role or secret ID'));
    for (let index = 0; index < 5; index += 1) {
      for (const how of ['inline', 'referred'] as const) {
        expect(gist(await asking.once(wrong(index, how)))).toBe('CredentialsRefused');
      }
    }
    expect(fake.count('/login')).toBe(4);
  });

  it('are one account also when one integration changes from one to the other and back', async () => {
    fake.on('/login', refused(400, 'invalid role or secret ID'));
    for (let round = 0; round < 5; round += 1) {
      for (const how of ['inline', 'referred'] as const) {
        await asking.once({ ...wrong(0, how), name: 'changing' });
        asking.clock.advance(1_000);
      }
    }
    expect(fake.count('/login')).toBeLessThanOrEqual(4);
  });
});
