import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { key, tokensSent, wanted, type Wanted } from '../support/vault-auth.ts';
import { asker, gist, startLab, type Asker, type VaultLab } from '../support/vault-lab.ts';
import { startProxy, type VaultProxy } from '../support/vault-proxy.ts';

/** A standby in front, and the active node at another address: a real OpenBao behind both. */

let lab: VaultLab;
let active: VaultProxy;
let asking: Asker;
let token: string;
const DATA = { a: 'b' };

beforeAll(async () => {
  lab = await startLab();
  active = await startProxy(lab.bao.address);
  await lab.policy('reader', 'secret/data/*');
  await lab.put('secret/data/app', DATA);
  token = await lab.token({ policies: ['reader'] });
});
afterAll(async () => {
  await active.close();
  await lab.close();
});
beforeEach(() => {
  asking = asker();
  lab.proxy.intercept = ({ path }) => redirect(307, `${active.address}${path}`);
});
afterEach(async () => {
  lab.proxy.intercept = undefined;
  await asking.close();
  lab.proxy.forgetSeen();
  active.forgetSeen();
});

const redirect = (status: number, location: string) =>
  ({ kind: 'answer', status, headers: { location }, body: '' }) as const;
const at = (changes: Partial<Wanted> = {}) =>
  wanted({
    host: lab.proxy.address,
    auth: { token: { secretRef: key('token') } },
    secrets: { login: { token } },
    ...changes,
  });

describe('a redirect', () => {
  it('is followed to a host that spec.redirectHosts lists', async () => {
    expect(gist(await asking.ask(at({ redirectHosts: [active.address] })))).toEqual(DATA);
    expect(active.count('/data/')).toBe(1);
    expect(tokensSent({ proxy: active })).toEqual([token]);
  });

  it('is followed for logins, too', async () => {
    const { roleId, secretId } = await lab.appRole('redirected', { token_policies: ['reader'] });
    const auth = { appRole: { roleId, secretIdRef: key('secretId') } };
    const of = at({ auth, secrets: { login: { secretId } }, redirectHosts: [active.address] });
    expect(await asking.ask(of)).toMatchObject({ kind: 'fields', authMethod: 'appRole' });
  });

  it.each<[string, Partial<Wanted> | undefined]>([
    ['that is not listed', undefined],
    ['beside the one that is listed', { redirectHosts: ['https://other.example.com'] }],
  ])('is not followed to a host %s: nothing is sent there, and the message names it', async (_, changes) => {
    const answer = await asking.ask(at(changes));
    expect(answer).toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining(
        `the server redirects to ${active.address}, which Fairlead does not follow: use that address in spec.host, or list it in spec.redirectHosts`,
      ),
    });
    expect(active.count()).toBe(0);
  });

  it.each<[string, (path: string) => string]>([
    ['to another path', () => `${active.address}/v1/sys/mounts`],
    ['to more than a path', (path) => `${active.address}${path}?help=1`],
    ['with credentials in it', (path) => `${active.address.replace('//', '//user:pass@')}${path}`],
    ['to another path of the same host', () => '/v1/secret/data/other'],
  ])('is never followed %s', async (_, location) => {
    lab.proxy.intercept = ({ path }) => redirect(307, location(path));
    expect(gist(await asking.ask(at({ redirectHosts: [active.address] })))).toBe('Unreachable');
    expect(active.count()).toBe(0);
  });

  it.each([301, 302, 303])('is not followed with status %d, which may change the method', async (status) => {
    lab.proxy.intercept = ({ path }) => redirect(status, `${active.address}${path}`);
    expect(gist(await asking.ask(at({ redirectHosts: [active.address] })))).toBe('Unreachable');
    expect(active.count()).toBe(0);
  });

  it('is followed once only', async () => {
    active.intercept = ({ path }) => redirect(307, `${lab.proxy.address}${path}`);
    const of = at({ redirectHosts: [active.address, lab.proxy.address] });
    expect(gist(await asking.ask(of))).toBe('Unreachable');
    expect([lab.proxy.count('lookup-self'), active.count('lookup-self')]).toEqual([1, 1]);
    active.intercept = undefined;
  });

  it('cannot be allowed from https to http', () => {
    expect(() => at({ host: 'https://vault.example.com', redirectHosts: [active.address] })).toThrow(
      `spec.redirectHosts must not lead from https to ${active.address}`,
    );
  });
});
