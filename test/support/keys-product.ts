import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { SYSTEM, type Platform } from './platform.ts';
import type { Output } from '../../hack/install.ts';
import { kube, type Kube, type KubeJson } from './cluster.ts';
import { bind, named, type SubjectOf } from './rbac.ts';

/** What tests of the API for keys as a whole have in common: who writes a domain's keys, and what the audit has. */

export const KEYS = 'keys.fairlead.dev/v1alpha1';

/** A line of the audit. */
export interface AuditLine {
  readonly action: string;
  readonly namespace?: string;
  readonly outcome: string;
  readonly reason: string;
  readonly message?: string;
  readonly key?: string;
  readonly actor?: { readonly name: string };
  readonly [field: string]: unknown;
}

/** What the keys role has written down, as it runs now; the audit goes to standard output, beside the logs. */
export async function auditLines({ fairlead }: Platform): Promise<readonly AuditLine[]> {
  const lines = (await fairlead.process('keys').logs()).split('\n');
  return lines.filter((line) => line.startsWith('{"audit":true,')).map((line) => JSON.parse(line));
}

/** The owner of a domain as config/samples/10-people.yaml makes one: may write its keys, from these namespaces. */
export async function makeOwner(
  p: Platform,
  subject: SubjectOf,
  domain: string,
  ...namespaces: readonly string[]
): Promise<void> {
  const name = `write-${domain}`;
  await p.k.apply({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name, labels: { test: 'permissions' } },
    rules: [named('domains', domain, 'write')],
  });
  await bind(p.k, name, subject);
  for (const namespace of [SYSTEM, ...namespaces])
    await bind(p.k, 'fairlead-domain-owner', subject, namespace);
  for (const namespace of namespaces) await bind(p.k, 'fairlead-domain-user', subject, namespace);
}

export async function removePeople({ k }: Platform): Promise<void> {
  await k.run('delete', 'clusterrolebinding,clusterrole', '-l', 'test=permissions');
  await k.run('delete', 'rolebinding', '-n', SYSTEM, '-l', 'test=permissions');
}

export function asUser(p: Platform, user: string): Kube {
  return kube(p.cluster, `--as=${user}`);
}

/** A SecretKey as somebody writes it. */
export function secretKey(namespace: string, name: string, value?: string, metadata: object = {}): KubeJson {
  const spec = { ...(value !== undefined && { value }) };
  return { apiVersion: KEYS, kind: 'SecretKey', metadata: { name, namespace, ...metadata }, spec };
}

/** The values of a domain's store. */
export async function stored({ k }: Platform, domain: string): Promise<Record<string, string>> {
  const { data = {} } = await k.get('secret', SYSTEM, `iomete-secret-store-${domain}`);
  const entries = Object.entries(data as Record<string, string>);
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

export interface Listening {
  /** A value that must never be seen again. */
  readonly plant: () => string;
  /** As Kube's; what kubectl says is kept. */
  readonly both: (k: Kube, args: readonly string[], stdin?: object) => Promise<Output>;
  readonly refused: (k: Kube, args: readonly string[], stdin?: object) => Promise<string>;
  /** Expects that no planted value is in what kubectl said, nor in any log, audit or event. */
  readonly nothingPlanted: (p: Platform) => Promise<void>;
}

export function listening(): Listening {
  const [planted, outputs] = [[] as string[], [] as string[]];
  return {
    plant: () => {
      const value = `pl4nt-${randomBytes(12).toString('hex')}`;
      planted.push(value);
      return value;
    },
    both: async (k, args, stdin) => {
      const said = await k.both(args, stdin);
      outputs.push(said.stdout, said.stderr);
      return said;
    },
    refused: async (k, args, stdin) => {
      const said = await k.refused(args, stdin);
      outputs.push(said);
      return said;
    },
    nothingPlanted: async (p) => {
      const all = [...outputs, await p.logs(), await p.k.run('get', 'events', '-A', '-o', 'json')].join('\n');
      expect([planted.length > 3, all.length > 10_000]).toEqual([true, true]);
      for (const value of planted)
        for (const form of [value, Buffer.from(value).toString('base64')]) expect(all).not.toContain(form);
    },
  };
}
