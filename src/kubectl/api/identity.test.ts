import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { identify, type Impersonation } from './identity.ts';
import type { Cluster, User } from './kubeconfig-shape.ts';

const dir = mkdtempSync(join(tmpdir(), 'fairlead-identity-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const script = (name: string, text: string): string => {
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
};
const tokenFile = join(dir, 'token');
writeFileSync(tokenFile, 'from-file\n');

const V1 = 'client.authentication.k8s.io/v1';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const CLUSTER: Cluster = { server: 'https://x' };
const who = async (user: User, impersonation: Impersonation = {}, cluster = CLUSTER) =>
  identify({ cluster, user, namespace: 'a' }, impersonation, false);
const exec = (command: string, more = {}): User => ({ exec: { apiVersion: V1, command, ...more } as never });

describe('who asks', () => {
  it.each([
    ['a token', { token: 't' }, { authorization: 'Bearer t' }],
    [
      'a file with the token before the token',
      { token: 't', tokenFile },
      { authorization: 'Bearer from-file' },
    ],
    ['a user and a password', { username: 'u', password: 'p' }, { authorization: `Basic ${base64('u:p')}` }],
    ['nobody', {}, {}],
  ])('is known by %s', async (_, user, headers) => {
    expect((await who(user)).headers).toEqual(headers);
  });

  it('is known by a certificate, and the server by its CA', async () => {
    const user = { 'client-certificate-data': base64('cert'), 'client-key-data': base64('key') };
    const cluster = { ...CLUSTER, 'certificate-authority-data': base64('ca'), 'tls-server-name': 'n' };
    const { tls } = await who(user, {}, cluster);
    expect(tls).toEqual({
      ...{ cert: Buffer.from('cert'), key: Buffer.from('key'), ca: Buffer.from('ca') },
      ...{ servername: 'n', rejectUnauthorized: true },
    });
    const insecure = { ...CLUSTER, 'insecure-skip-tls-verify': true };
    expect((await who({}, {}, insecure)).tls.rejectUnauthorized).toBe(false);
  });

  it.each([
    [
      'by flags',
      {},
      { user: 'jane', groups: ['a', 'b'] },
      { 'impersonate-user': 'jane', 'impersonate-group': ['a', 'b'] },
    ],
    [
      'by the kubeconfig',
      { as: 'joe', 'as-groups': ['c'], 'as-uid': '1', 'as-user-extra': { 'a/B': ['x'] } },
      {},
      {
        'impersonate-user': 'joe',
        'impersonate-group': ['c'],
        'impersonate-uid': '1',
        'impersonate-extra-a%2fb': ['x'],
      },
    ],
    [
      'by flags, and then by nothing of the kubeconfig',
      { as: 'joe', 'as-groups': ['c'], 'as-uid': '1' },
      { user: 'jane' },
      { 'impersonate-user': 'jane' },
    ],
  ])('can be somebody else %s', async (_, user, impersonation, headers) => {
    expect((await who(user as User, impersonation)).headers).toEqual(headers);
  });

  it.each([
    ['groups of nobody', {}, { groups: ['a'] }, '--as-group needs --as'],
    ['an auth-provider', { 'auth-provider': { name: 'oidc' } }, {}, 'auth-provider'],
    ['a file that is not there', { 'client-certificate': join(dir, 'no') }, {}, 'cannot be read'],
  ])('is not known with %s', async (_, user, impersonation, message) => {
    await expect(who(user as User, impersonation)).rejects.toThrow(message);
  });
});

describe('an exec plugin', () => {
  it('gives a token, and is told which cluster it is for', async () => {
    const command = script(
      'ok',
      `printf '{"status":{"token":"%s"}}' "$(printf '%s' "$EXTRA $KUBERNETES_EXEC_INFO" | base64 | tr -d '\\n')"`,
    );
    const more = { env: [{ name: 'EXTRA', value: 'x' }], provideClusterInfo: true };
    const { headers } = await who(exec(command, more));
    const told = Buffer.from(String(headers['authorization']).slice('Bearer '.length), 'base64').toString();
    expect(told.slice(0, 2)).toBe('x ');
    expect(JSON.parse(told.slice(2))).toEqual({
      ...{
        kind: 'ExecCredential',
        apiVersion: V1,
        spec: { interactive: false, cluster: { server: 'https://x' } },
      },
    });
  });

  it('gives a certificate', async () => {
    const command = script('cert', `echo '{"status":{"clientCertificateData":"c","clientKeyData":"k"}}'`);
    expect((await who(exec(command))).tls).toMatchObject({ cert: 'c', key: 'k' });
  });

  it.each([
    ['fails', script('fails', 'echo s3cr3t; exit 3'), {}, 'failed with code 3'],
    ['gives no JSON', script('text', 'echo s3cr3t'), {}, 'gave no credential'],
    ['gives nothing', script('empty', `echo '{"status":{}}'`), {}, 'gave no credential'],
    ['is not there', join(dir, 'absent'), { installHint: 'get it' }, 'cannot be run: get it'],
    ['has an old API', 'x', { apiVersion: 'client.authentication.k8s.io/v1alpha1' }, 'unknown apiVersion'],
    ['needs a terminal', 'x', { interactiveMode: 'Always' }, 'needs a terminal'],
  ])('that %s is told without its output', async (_, command, more, message) => {
    const error = await who(exec(command, more)).catch((reason: unknown) => reason as Error);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain('s3cr3t');
  });
});
