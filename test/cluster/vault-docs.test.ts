import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ensureBao } from '../../hack/cluster/bao-tool.ts';
import { startBao, type Bao } from '../../hack/cluster/bao.ts';
import { vaultAdmin, type VaultAdmin } from '../../hack/vault-admin.ts';
import type { VaultIntegrationSpec } from '../../src/api/vault-integration.ts';
import { tokenRequests } from '../../src/controllers/token-request.ts';
import { connect, type KubeClient } from '../../src/kube/client.ts';
import { vaultTarget } from '../../src/sources/vault/target.ts';
import { ALLOWED, asker, credentials, gist, type Asker } from '../support/vault-lab.ts';
import { cluster, kube, scratch, until, type Kube } from '../support/cluster.ts';
import type { RunningCluster } from '../../hack/cluster/index.ts';

/** docs/vault.md is run as it stands: its commands by the CLI of OpenBao, its policies, and its `auth:`. */

interface Section {
  readonly hcl: readonly string[];
  readonly sh: readonly string[];
  readonly yaml: readonly Record<string, unknown>[];
}

const text = await readFile(new URL('../../docs/vault.md', import.meta.url), 'utf8');
const sections = new Map(
  text.split(/^#{2,3} /m).map((part): [string, Section] => {
    const blocks = [...part.matchAll(/```(\w+)\n(.*?)```/gs)];
    const of = (language: string) =>
      blocks.filter(([, name]) => name === language).map(([, , body = '']) => body);
    const yaml = of('yaml').map((body) => parse(body) as Record<string, unknown>);
    return [part.split('\n', 1)[0] ?? '', { hcl: of('hcl'), sh: of('sh'), yaml }];
  }),
);
const tried = new Set<string>();
const section = (title: string): Section => {
  tried.add(title);
  const found = sections.get(title);
  if (!found) throw new Error(`docs/vault.md has no section ${title}`);
  return found;
};

const execute = promisify(execFile);
const SYSTEM = 'fairlead-system';
let dir: string;
let bao: Bao;
let admin: VaultAdmin;
let shared: RunningCluster;
let k: Kube;
let client: KubeClient;
let asking: Asker;
const own: [kind: string, namespace: string, name: string][] = [];

beforeAll(async () => {
  shared = await cluster();
  k = kube(shared);
  dir = await scratch('docs');
  bao = await startBao({ dir: join(dir, 'bao') });
  admin = vaultAdmin(bao);
  await mkdir(join(dir, 'bin'));
  await symlink(await ensureBao(), join(dir, 'bin', 'vault'));
  await admin.put('secret/data/production', { password: 'hunter2' });
  await admin.put('secret/data/team/main', { password: 'hunter3' });
  await writePolicies(section('The policy'));
  await run(section('The policy'));
  client = connect({ kubeconfig: shared.kubeconfig, userAgent: 'docs-test' });
});
afterAll(async () => {
  for (const object of own) await k.remove(...object);
  await client?.close();
  await bao?.close();
  await rm(dir, { recursive: true, force: true });
});
afterEach(async () => {
  await asking?.close();
  for (const mount of ['approle', 'kubernetes', 'jwt', 'userpass']) {
    await admin.call('DELETE', `sys/auth/${mount}`);
  }
});

async function writePolicies({ hcl }: Section): Promise<void> {
  for (const policy of hcl) {
    const name = /^# ([-a-z]+\.hcl)\n/.exec(policy)?.[1];
    if (!name) throw new Error('a policy without its file name');
    await writeFile(join(dir, name), policy);
  }
}

/** Runs the commands of a section, `changes` applied; answers what they print, line by line. */
async function run({ sh }: Section, changes: Readonly<Record<string, string>> = {}): Promise<string[]> {
  // The CLI ends what it prints of a field with a new line on terminals only.
  let script = sh.join('\n').replaceAll(/^(.* -field=.*)$/gm, '$1; echo');
  for (const [from, to] of Object.entries(changes)) script = script.replaceAll(from, to);
  const env = {
    PATH: `${join(dir, 'bin')}:${process.env['PATH']}`,
    HOME: dir,
    VAULT_ADDR: bao.address,
    BAO_ADDR: bao.address,
    BAO_TOKEN: bao.rootToken,
  };
  const { stdout } = await execute('bash', ['-euo', 'pipefail', '-c', script], { cwd: dir, env });
  return stdout.split('\n').filter((line) => line !== '' && !line.startsWith('Success!'));
}

interface Login {
  readonly data?: Record<string, string>;
  /** What stands for itself in the docs and is another one here. */
  readonly replace?: (spec: VaultIntegrationSpec) => unknown;
  readonly spec?: Partial<VaultIntegrationSpec>;
}

/** Reads with the last YAML of the section as spec. */
async function read(
  { yaml }: Section,
  { data = {}, replace, spec: more = {} }: Login = {},
): Promise<unknown> {
  const spec = {
    displayName: 'docs',
    host: bao.address,
    path: '/v1/secret/data/production',
    domains: ['*'],
    ...(yaml.at(-1) as Pick<VaultIntegrationSpec, 'auth'>),
    ...more,
  } satisfies VaultIntegrationSpec;
  replace?.(spec);
  const secret = credentials(bao.address, data);
  const account = { metadata: { uid: '1', annotations: secret.metadata?.annotations ?? {} } };
  const objects = { secret: () => secret, serviceAccount: () => account, configMap: () => undefined };
  const made = vaultTarget({ name: 'docs', spec }, objects, { ...ALLOWED, vaultHosts: [bao.address] });
  if (made.kind === 'failed') throw new Error(made.message);
  asking = asker({ requestToken: tokenRequests(client, SYSTEM) });
  const answer = await asking.ask(made);
  return answer.kind === 'failed' ? answer.message : gist(answer);
}

const SECRET = { password: 'hunter2' };

describe('docs/vault.md, run as it stands,', () => {
  it.each(['AppRole', 'Scoped tokens'])('connects by %s', async (title) => {
    await writePolicies(section(title));
    const [roleId = '', secretId = ''] = await run(section(title));
    const replace = ({ auth }: VaultIntegrationSpec) => auth.appRole && (auth.appRole.roleId = roleId);
    expect(await read(section(title), { data: { secretId }, replace })).toEqual(SECRET);
    const wanted =
      title === 'AppRole' ? ['login 200', 'read 200'] : ['login 200', 'create-token 200', 'read 200'];
    expect(asking.requests).toEqual(wanted);
  });

  it('connects by an AppRole with a wrapped secret id', async () => {
    const wrapped = section('AppRole with a wrapped secret id');
    const [roleId = '', wrappingToken = ''] = await run(wrapped);
    const replace = ({ auth }: VaultIntegrationSpec) => auth.appRole && (auth.appRole.roleId = roleId);
    expect(await read(wrapped, { data: { wrappingToken }, replace })).toEqual(SECRET);
    expect(asking.requests).toEqual(['unwrap 200', 'login 200', 'read 200']);
  });

  it('connects by a token', async () => {
    const [token = ''] = await run(section('Token'));
    expect(await read(section('Token'), { data: { token } })).toEqual(SECRET);
  });

  it('connects by user name and password', async () => {
    await run(section('User name and password'));
    const data = { password: 'replace-me' };
    expect(await read(section('User name and password'), { data })).toEqual(SECRET);
  });

  it('keeps and gives back its tokens with the policy for that', async () => {
    await run(section('User name and password'), { 'token_ttl=1h': 'token_ttl=60s' });
    await read(section('User name and password'), { data: { password: 'replace-me' } });
    asking.clock.advance(45_000);
    await until('the renewal', async () => Promise.resolve(asking.requests.includes('renew-self 200')));
    await asking.close();
    expect(asking.requests).toContain('revoke-self 204');
  });

  describe('with a ServiceAccount', () => {
    beforeAll(async () => {
      const [example] = section('Kubernetes').yaml as unknown as [{ metadata: { name: string } }];
      const { name } = example.metadata;
      own.push(['serviceaccount', SYSTEM, name], ['serviceaccount', SYSTEM, 'docs-reviewer']);
      own.push(['clusterrolebinding', '', 'docs-reviewer'], ['clusterrolebinding', '', 'docs-issuer']);
      const rbac = 'rbac.authorization.k8s.io';
      const binding = (called: string, role: string, subject: object) => ({
        apiVersion: `${rbac}/v1`,
        kind: 'ClusterRoleBinding',
        metadata: { name: called },
        roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
        subjects: [subject],
      });
      const reviewer = { kind: 'ServiceAccount', name: 'docs-reviewer', namespace: SYSTEM };
      const anonymous = { kind: 'Group', apiGroup: rbac, name: 'system:unauthenticated' };
      await k.apply(
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM } },
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'docs-reviewer', namespace: SYSTEM } },
        example,
        binding('docs-reviewer', 'system:auth-delegator', reviewer),
        binding('docs-issuer', 'system:service-account-issuer-discovery', anonymous),
      );
      const jwt = await k.run('create', 'token', 'docs-reviewer', '-n', SYSTEM, '--duration', '1h');
      await writeFile(join(dir, 'reviewer.jwt'), jwt.trim());
      const config = parse(await readFile(shared.kubeconfig, 'utf8')) as {
        clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
      };
      const [{ cluster: api }] = config.clusters;
      await writeFile(join(dir, 'ca.crt'), Buffer.from(api['certificate-authority-data'], 'base64'));
      server = api.server;
    });
    let server: string;

    it('connects by Kubernetes', async () => {
      await run(section('Kubernetes'), { 'https://kubernetes.example.com:6443': server });
      expect(await read(section('Kubernetes'))).toEqual(SECRET);
    });

    it('connects by JWT', async () => {
      await run(section('JWT'), { 'https://kubernetes.example.com:6443': server });
      expect(await read(section('JWT'))).toEqual(SECRET);
    });
  });

  it('shows a folder with its policy', async () => {
    await writePolicies(section('A folder'));
    await admin.policy('fairlead-production', section('A folder').hcl.join('\n'));
    try {
      await run(section('User name and password'));
      const { yaml } = section('User name and password');
      const spec = { ...(yaml.at(-1) as Pick<VaultIntegrationSpec, 'auth'>), path: '/v1/secret/data/team' };
      const denied = await read(section('User name and password'), {
        data: { password: 'replace-me' },
        spec,
      });
      expect(denied).toContain('grant it `read`');
      const whole = { displayName: 'docs', host: bao.address, domains: ['*'], ...spec };
      const secret = credentials(bao.address, { password: 'replace-me' });
      const objects = { secret: () => secret, serviceAccount: () => undefined, configMap: () => undefined };
      const made = vaultTarget({ name: 'docs', spec: whole }, objects, {
        ...ALLOWED,
        vaultHosts: [bao.address],
      });
      if (made.kind === 'failed') throw new Error(made.message);
      const seen = await asking.source.inspect(made, true, AbortSignal.timeout(5_000));
      expect(seen).toMatchObject({ mount: 'secret', secretPath: 'team', entries: 1, authMethod: 'userPass' });
    } finally {
      await run(section('The policy'));
    }
  });

  it('has no commands or policies that nothing here has tried', () => {
    const left = [...sections].filter(([title]) => !tried.has(title));
    const untried = left.filter(([, { hcl, sh }]) => hcl.length + sh.length > 0);
    expect(untried.map(([title]) => title)).toEqual([]);
  });
});
