import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratch, until } from '../support/cluster.ts';
import { auditLines, listening, makeOwner, removePeople, stored } from '../support/keys-product.ts';
import { platform, reference, type Platform } from '../support/platform.ts';
import { installPlugin, type Plugin, type PluginRun } from '../support/plugin.ts';
import { bind, grant, named, revoke } from '../support/rbac.ts';

/** `kubectl fairlead` with the API for keys behind it: the bundled file, the real API server, a user's rights. */

let p: Platform;
let plugin: Plugin;
let dir: string;
let namespace: string;
const heard = listening();
const ID = 'keys-plugin';
const DOMAIN = 'keys-plugin';

beforeAll(async () => {
  p = await platform(ID, { keysApi: true });
  dir = await scratch('keys-plugin');
  plugin = await installPlugin(p.cluster, dir);
  namespace = await p.namespace(DOMAIN);
  await p.store(DOMAIN, { db_password: heard.plant() });
  await p.integration(ID, { s3_secret: heard.plant() }, { domains: [DOMAIN] });
  await p.k.apply(reference('warehouse', namespace, { DB_PASSWORD: `KUBERNETES/${DOMAIN}/db_password` }));
  await makeOwner(p, { kind: 'User', name: 'olga' }, DOMAIN, namespace);
  await grant(p.k, `use-${ID}`, { kind: 'User', name: 'olga' }, [named('vaultintegrations', ID, 'use')]);
});
afterAll(async () => {
  if (p) await revoke(p.k, `use-${ID}`);
  if (p) await removePeople(p);
  await p?.stop();
  if (dir) await rm(dir, { recursive: true, force: true });
});

const olga = async (args: readonly string[], stdin?: string): Promise<PluginRun> =>
  plugin([...args, '-n', namespace, '--as', 'olga'], stdin === undefined ? {} : { stdin });
/** The owner of a domain may not see the labels of its namespaces. */
const IN = ['--domain', DOMAIN];

describe('keys', () => {
  it('lists what references may name', async () => {
    const { code, out } = await until('the keys of Vault', async () => {
      const run = await olga(['keys']);
      if (run.out.includes('s3_secret')) return run;
      throw new Error(run.err);
    });
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`db_password +KUBERNETES +${DOMAIN}\\n`));
    expect(out).toMatch(new RegExp(`s3_secret +VAULT +${ID}\\n`));
    const vault = await olga(['keys', '--type', 'VAULT', '-o', 'json']);
    expect(vault.out).toContain('s3_secret');
    expect(vault.out).not.toContain('db_password');
  });

  it('says what is missing to those who may not', async () => {
    const { code, out, err } = await plugin(['keys', '-n', namespace, '--as', 'stranger']);
    expect([code, out]).toEqual([3, '']);
    expect(err).toContain('secretkeys');
  });
});

describe('set and unset', () => {
  it('write what comes from standard input, new and again, and show it nowhere', async () => {
    const [first, second] = [heard.plant(), heard.plant()];
    const made = await olga(['set', 'smtp', ...IN], `${first}\n`);
    expect([made.code, (await stored(p, DOMAIN))['smtp']]).toEqual([0, first]);
    const again = await olga(['set', 'smtp', ...IN], second);
    expect([again.code, (await stored(p, DOMAIN))['smtp']]).toEqual([0, second]);
    for (const value of [first, second]) expect(JSON.stringify([made, again])).not.toContain(value);
  });

  it('do nothing with --dry-run', async () => {
    const { code } = await olga(['set', 'dry', '--dry-run', ...IN], heard.plant());
    expect([code, Object.keys(await stored(p, DOMAIN))]).toEqual([0, ['db_password', 'smtp']]);
  });

  it('take no value as an argument, and do not repeat it', async () => {
    const value = heard.plant();
    const { code, out, err } = await olga(['set', 'smtp', value, ...IN]);
    expect(code).toBe(2);
    expect(out + err).not.toContain(value);
  });

  it('warn of the references that still name a key', async () => {
    const { code, err } = await olga(['unset', 'db_password', '--yes', ...IN]);
    expect([code, Object.keys(await stored(p, DOMAIN))]).toEqual([0, ['smtp']]);
    expect(err).toContain(`${namespace}/warehouse`);
  });

  it('are refused without `write` on the domain', async () => {
    await bind(p.k, 'fairlead-domain-user', { kind: 'User', name: 'ulf' }, namespace);
    const value = heard.plant();
    const { code, out, err } = await plugin(['set', 'smtp', ...IN, '-n', namespace, '--as', 'ulf'], {
      stdin: value,
    });
    expect(code).toBe(3);
    expect(out + err).not.toContain(value);
  });
});

describe('doctor', () => {
  it('goes through a connection step by step', async () => {
    const { code, out } = await olga(['doctor', 'integration', ID]);
    expect(code).toBe(0);
    expect(out).toContain('number of keys');
    expect(out).not.toContain('Failed');
  });

  it('names the step that fails, and the fix', async () => {
    await p.vault.policy(ID, '# nothing');
    const { code, out } = await olga(['doctor', 'integration', ID]);
    expect(code).toBe(1);
    expect(out).toMatch(/^capabilities +Failed/m);
    expect(out).toContain('Grant `read` on the path in Vault');
  });
});

it('the audit has who did it, and no value is seen anywhere', async () => {
  const lines = await auditLines(p);
  for (const action of ['list-keys', 'write-key', 'delete-key', 'test-connection'])
    expect(lines.some((line) => line.action === action && line.actor?.name === 'olga')).toBe(true);
  await heard.nothingPlanted(p);
});
