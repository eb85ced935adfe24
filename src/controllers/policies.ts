import { readdir, readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { DEFAULT_STORE_PREFIX, DEFAULT_SYSTEM_NAMESPACE, DEFAULT_TOKEN_AUDIENCES } from '../api/names.ts';
import { RESOURCES } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';
import { Reflector, type ReflectorHooks } from '../kube/reflector.ts';
import type { Problem } from '../resolve/problem.ts';
import type { Clock } from '../runtime/clock.ts';

interface Policy extends KubeObject {
  readonly spec?: unknown;
}

/** What an operator can set in the policies, and has to set in them and in Fairlead's flags alike. */
export interface PolicySettings {
  readonly systemNamespace: string;
  readonly tokenAudiences: readonly string[];
  readonly storePrefix: string;
}

/** The policies that came with this Fairlead in these folders, by `Kind/name`, with the operator's settings. */
export async function expectedPolicies(
  directories: readonly URL[],
  { systemNamespace, tokenAudiences, storePrefix }: PolicySettings,
): Promise<ReadonlyMap<string, Policy>> {
  const files = await Promise.all(
    directories.map(async (directory) =>
      (await readdir(directory))
        .filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml')
        .map((file) => new URL(file, directory)),
    ),
  );
  const texts = await Promise.all(files.flat().map(async (file) => readFile(file, 'utf8')));
  const documents = texts
    .map((text) =>
      text
        .replaceAll(DEFAULT_SYSTEM_NAMESPACE, systemNamespace)
        .replaceAll(celList(DEFAULT_TOKEN_AUDIENCES), celList(tokenAudiences))
        .replaceAll(celDomainPrefix(DEFAULT_STORE_PREFIX), celDomainPrefix(storePrefix)),
    )
    .flatMap((text) =>
      parseAllDocuments(text).map((document) => document.toJS() as Policy & { kind: string }),
    );
  return new Map(documents.map((policy) => [`${policy.kind}/${policy.metadata.name}`, policy]));
}

/** How the name of a domain's store begins, as it stands in a policy. */
function celDomainPrefix(storePrefix: string): string {
  return `'${storePrefix}-'`;
}

/** `['vault', 'openbao']`, as it stands in a policy; the flag lets no audience through that needs escaping. */
function celList(items: readonly string[]): string {
  return `[${items.map((item) => `'${item}'`).join(', ')}]`;
}

/**
 * Watches the cluster's policies. `problem()` is undefined while every expected one stands there with just the
 * rules that it came with: without its fence Fairlead's own rights would be too wide, so it delivers nothing.
 */
export class PolicyGuard {
  readonly #expected: ReadonlyMap<string, Policy>;
  /** Every pass of every pod asks; the answer changes only when a policy does. */
  #answer: { readonly problem: Problem | undefined } | undefined;
  readonly #callbacks = new Set<() => void>();
  readonly reflectors: readonly [Reflector<Policy>, Reflector<Policy>];

  constructor(
    expected: ReadonlyMap<string, Policy>,
    client: KubeClient,
    clock: Clock,
    hooks: ReflectorHooks = {},
  ) {
    this.#expected = expected;
    const make = (name: string, kind: string, resource: (typeof RESOURCES)[keyof typeof RESOURCES]) =>
      new Reflector<Policy>({
        client,
        clock,
        hooks,
        name,
        resource,
        // Of other projects' policies nothing but the name is kept.
        project: (raw) => ({
          metadata: raw.metadata,
          ...(expected.has(`${kind}/${raw.metadata.name}`) && { spec: (raw as Policy).spec }),
        }),
      });
    this.reflectors = [
      make('policies', 'ValidatingAdmissionPolicy', RESOURCES.policies),
      make('policybindings', 'ValidatingAdmissionPolicyBinding', RESOURCES.policyBindings),
    ];
    for (const reflector of this.reflectors) reflector.onChange(() => this.#changed());
  }

  problem(): Problem | undefined {
    this.#answer ??= { problem: this.#check() };
    return this.#answer.problem;
  }

  /** Calls back when the answer of `problem()` has changed; what it returns unsubscribes. */
  onChange(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  /** Other projects write policies all the time: only a new answer concerns anybody. */
  #changed(): void {
    const before = this.#answer;
    this.#answer = { problem: this.#check() };
    if (before?.problem?.message === this.#answer.problem?.message) return;
    for (const callback of this.#callbacks) callback();
  }

  #check(): Problem | undefined {
    const [policies, bindings] = this.reflectors;
    for (const [id, wanted] of this.#expected) {
      const { name } = wanted.metadata;
      const live = (id.startsWith('ValidatingAdmissionPolicy/') ? policies : bindings).get(name);
      if (!live) return fenceProblem(`${id} is missing`);
      if (live.metadata.deletionTimestamp || !matches(wanted.spec, live.spec))
        return fenceProblem(`${id} was changed`);
    }
    return undefined;
  }
}

function fenceProblem(what: string): Problem {
  return {
    reason: 'DeliveryRefused',
    message: `Fairlead delivers nothing without the policies that fence it in: ${what}; apply config/policies again`,
  };
}

/**
 * The live object says what `wanted` says and no more: a selector, an exclusion or a condition that somebody
 * added would open the fence just as a missing rule does. What the API server fills in by itself is allowed.
 */
export function matches(wanted: unknown, live: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(live) &&
      live.length === wanted.length &&
      wanted.every((item, i) => matches(item, live[i]))
    );
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof live !== 'object' || live === null) return false;
    const [said, found] = [new Map(Object.entries(wanted)), new Map(Object.entries(live))];
    return (
      said.keys().every((field) => found.has(field) && matches(said.get(field), found.get(field))) &&
      found.entries().every(([field, value]) => said.has(field) || isServerDefault(value))
    );
  }
  return wanted === live;
}

/** `matchPolicy: Equivalent`, `scope: "*"`, and empty selectors and lists. */
function isServerDefault(value: unknown): boolean {
  if (value === 'Equivalent' || value === '*') return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
