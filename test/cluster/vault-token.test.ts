import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { http } from '../../hack/cluster/http.ts';
import {
  asker,
  gist,
  startLab,
  target,
  type Asker,
  type TargetOptions,
  type VaultLab,
} from '../support/vault-lab.ts';

/** Tokens from Secrets against a real OpenBao. */

let lab: VaultLab;
let asking: Asker;
const DATA = { a: 'b' };
/** When a token of twenty minutes is renewed, with a random number of 0.5. */
const RENEWAL_MS = 20 * 60_000 * (2 / 3) * 0.925;

beforeAll(async () => {
  lab = await startLab();
  await lab.policy('reader', 'secret/data/*');
  await lab.put('secret/data/app', DATA);
});
afterAll(() => lab.close());
beforeEach(() => {
  asking = asker();
});
afterEach(async () => {
  await asking.close();
  lab.proxy.forgetSeen();
  lab.proxy.intercept = undefined;
});

const at = (changes: Partial<TargetOptions>) => target({ host: lab.proxy.address, ...changes });

/** Looked up by root: what the server knows about a token. */
async function lookUp(token: string): Promise<number> {
  const { status } = await http(`${lab.bao.address}/v1/auth/token/lookup`, {
    method: 'POST',
    body: { token },
    headers: { 'x-vault-token': lab.bao.rootToken },
  });
  return status;
}

describe('a token from a Secret', () => {
  it('reads, and says so', async () => {
    const token = await lab.token({ policies: ['reader'], ttl: '1h' });
    expect(await asking.ask(at({ token }))).toMatchObject({ kind: 'fields', authMethod: 'token' });
    expect(asking.requests).toEqual(['lookup-self 200', 'read 200']);
  });

  it('may be without an end', async () => {
    expect(gist(await asking.ask(at({ token: lab.bao.rootToken })))).toEqual(DATA);
    expect(asking.clock.pending).toBeLessThanOrEqual(2);
  });

  it('may lack the right to look itself up', async () => {
    const token = await lab.token({ policies: ['reader'], no_default_policy: true });
    expect(gist(await asking.ask(at({ token })))).toEqual(DATA);
    expect(asking.requests).toEqual(['lookup-self 403', 'read 200']);
  });

  it('that lacks both rights is denied, not refused', async () => {
    const token = await lab.token({ policies: ['none'], no_default_policy: true });
    expect(gist(await asking.ask(at({ token })))).toBe('PermissionDenied');
  });

  it('may be a batch token', async () => {
    const token = await lab.token({ policies: ['reader'], type: 'batch', ttl: '1h' });
    expect(gist(await asking.ask(at({ token })))).toEqual(DATA);
  });

  const dead: Record<string, () => Promise<string>> = {
    'that Vault does not know': async () => 'hvs.planted-unknown-token',
    'that is no token at all': async () => 'planted!',
    'that was revoked': async () => {
      const token = await lab.token({ policies: ['reader'] });
      await lab.admin('POST', 'auth/token/revoke', { token });
      return token;
    },
    'that is used up': async () => {
      const token = await lab.token({ policies: ['reader'], num_uses: 1 });
      await http(`${lab.bao.address}/v1/secret/data/app`, { headers: { 'x-vault-token': token } });
      return token;
    },
    'that expired': async () => {
      const token = await lab.token({ policies: ['reader'], ttl: '1s', explicit_max_ttl: '1s' });
      await expect.poll(() => lookUp(token), { timeout: 10_000 }).not.toBe(200);
      return token;
    },
  };
  it.each(Object.entries(dead))('%s is refused, and left alone for a quarter of an hour', async (_, make) => {
    const token = await make();
    const answer = await asking.ask(at({ token }));
    expect(answer).toMatchObject({ reason: 'CredentialsRefused', retryAfterMs: 900_000 });
    expect(answer).toHaveProperty('message', expect.stringMatching(/Vault refuses the token.*HTTP 403/));
    const before = asking.requests.length;
    for (let minute = 0; minute < 14; minute += 1) {
      asking.clock.advance(60_000);
      expect(gist(await asking.ask(at({ token })))).toBe('CredentialsRefused');
    }
    expect(asking.requests).toHaveLength(before);
    expect(inspect([answer, asking.logged], { depth: Infinity })).not.toContain(token);
  });

  it('that is revoked in use is refused', async () => {
    const token = await lab.token({ policies: ['reader'] });
    await asking.ask(at({ token }));
    await lab.admin('POST', 'auth/token/revoke', { token });
    asking.clock.advance(2_000);
    expect(gist(await asking.ask(at({ token })))).toBe('CredentialsRefused');
    const fresh = await lab.token({ policies: ['reader'] });
    expect(gist(await asking.ask(at({ token: fresh })))).toEqual(DATA);
  });

  it('is renewed while it is in use', async () => {
    const token = await lab.token({ policies: ['reader'], ttl: '20m', renewable: true });
    await asking.ask(at({ token }));
    asking.clock.advance(RENEWAL_MS);
    await vi.waitFor(() => expect(asking.requests.at(-1)).toBe('renew-self 200'), { timeout: 10_000 });
  });

  it('is never given back', async () => {
    const token = await lab.token({ policies: ['reader'] });
    await asking.ask(at({ token }));
    await asking.close();
    expect(await lookUp(token)).toBe(200);
  });
});
