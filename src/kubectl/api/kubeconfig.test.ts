import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { findTarget, type Choice } from './kubeconfig.ts';

const dir = mkdtempSync(join(tmpdir(), 'fairlead-kubeconfig-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const file = (name: string, content: unknown): string => {
  const path = join(dir, name);
  writeFileSync(path, typeof content === 'string' ? content : stringify(content));
  return path;
};
const cluster = (name: string, server: string, more = {}) => ({ name, cluster: { server, ...more } });
const context = (name: string, of: string, user: string, namespace?: string) => ({
  name,
  context: { cluster: of, user, ...(namespace && { namespace }) },
});

const one = file('one', {
  'current-context': 'a',
  clusters: [cluster('c', 'https://one', { 'certificate-authority': 'ca.crt' })],
  contexts: [context('a', 'c', 'u', 'team-a')],
  users: null,
});
const two = file('two', {
  'current-context': 'b',
  clusters: [cluster('c', 'https://two'), cluster('d', 'https://d')],
  contexts: [context('b', 'd', 'u'), context('lost', 'nowhere', 'u')],
  users: [
    { name: 'u', user: { token: 'first', 'client-key': '/abs/key' } },
    { name: 'v', user: { exec: { apiVersion: 'x', command: './login' } } },
    { name: 'w', user: { exec: { apiVersion: 'x', command: 'login', env: null } } },
  ],
});
const both = { KUBECONFIG: [one, join(dir, 'missing'), '', two].join(delimiter) };
const target = (choice: Choice = {}, env = {}) => findTarget(choice, { ...both, ...env }, dir);

describe('where kubectl would go', () => {
  it('is where the first file says, with what the other files add', () => {
    expect(target()).toEqual({
      cluster: { server: 'https://one', 'certificate-authority': join(dir, 'ca.crt') },
      user: { token: 'first', 'client-key': '/abs/key' },
      namespace: 'team-a',
    });
  });

  it.each([
    ['another context', { context: 'b' }, { cluster: { server: 'https://d' }, namespace: 'default' }],
    ['another namespace', { namespace: 'x' }, { namespace: 'x' }],
    ['another cluster', { cluster: 'd' }, { cluster: { server: 'https://d' }, namespace: 'team-a' }],
    [
      'another user, with a command beside the file',
      { user: 'v' },
      { user: { exec: { command: join(dir, 'login') } } },
    ],
    ['another user, with a command of PATH', { user: 'w' }, { user: { exec: { command: 'login' } } }],
    ['another file', { kubeconfig: two }, { cluster: { server: 'https://d' } }],
  ])('can be %s', (_, choice, expected) => {
    expect(target(choice)).toMatchObject(expected);
  });

  it('is ~/.kube/config without $KUBECONFIG, else the cluster around the pod', () => {
    expect(() => findTarget({}, {}, join(dir, 'nobody'))).toThrow('there is no kubeconfig');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
    expect(findTarget({}, env, join(dir, 'nobody')).cluster.server).toBe('https://[fd00::1]:6443');
  });

  it.each([
    ['a context that is not there', { context: 'x' }, 'no such context'],
    ['a context whose cluster is not there', { context: 'lost' }, 'no such cluster'],
    ['a user that is not there', { user: 'x' }, 'no such user'],
    ['a file that is not there', { kubeconfig: join(dir, 'missing') }, 'cannot be read'],
  ])('is not known with %s', (_, choice, message) => {
    expect(() => target(choice)).toThrow(message);
  });

  it.each([
    ['is no YAML', 'users:\n- token: "s3cr3t\n  x: [', 'cannot be read'],
    ['is of another shape', { users: [{ name: 'u', user: { token: ['s3cr3t'] } }] }, 'is not as it must be'],
    ['has no context', { clusters: [] }, 'has no current context'],
  ])('is not known from a file that %s, of which nothing is quoted', (_, content, message) => {
    const kubeconfig = file('broken', content);
    const said = (): string => {
      try {
        findTarget({ kubeconfig }, {}, dir);
        return 'nothing';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(said()).toContain(message);
    expect(said()).not.toContain('s3cr3t');
  });
});
