import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import * as names from '../../src/api/names.ts';
import { secretObject, source } from '../../src/api/secret-object.ts';
import { grantsOf } from '../../src/controllers/resource-bundle/grants.ts';
import { secretReference } from '../../src/api/secret-reference.ts';
import { storageConfig } from '../../src/api/storage-config.ts';
import { CONFIG_MAPS_PATH } from '../../src/admission/handler.ts';

const read = (path: string) => readFileSync(new URL(`../../config/${path}`, import.meta.url), 'utf8');
const config = ['policies', 'webhook', 'rbac', 'keys-api', 'legacy-spark']
  .flatMap((dir) =>
    readdirSync(new URL(`../../config/${dir}`, import.meta.url)).map((file) => read(`${dir}/${file}`)),
  )
  .join('\n');

describe('the YAML and the code use the same names', () => {
  it.each([
    names.GATE,
    names.DELIVERY_LABEL,
    names.DELIVERY_PREFIX,
    names.DELIVERY_TYPE,
    names.REFERENCES_ANNOTATION,
    names.STORAGE_ANNOTATION,
    names.DELIVERED_ANNOTATION,
    names.DELIVERED_CONDITION,
    names.DOMAIN_LABEL,
    names.LEGACY_LABEL,
    names.CERTIFICATE_SECRET,
    names.BUNDLE_ROLE_PREFIX,
    names.BUNDLE_LABEL,
    names.AUDIT_KEY_SECRET,
    names.AUDIT_KEY_TYPE,
    names.AUDIT_LEASE,
    names.KEYS_API_SERVICE,
    names.KEYS_GROUP,
    names.KEYS_CERTIFICATE_SECRET,
    ...Array.from({ length: names.KEYS_AUDIT_LEASES }, (_, i) => `${names.KEYS_AUDIT_LEASE_PREFIX}${i}`),
    names.SPARK_ROLE_LABEL,
    names.SPARK_PROPERTIES,
    names.LEGACY_SPARK_CONFIGURATION,
  ])('%s', (name) => {
    expect(config).toContain(name);
  });

  it('and the same limit of integrations in one reference', () => {
    const checks = read('policies/references-use.yaml').match(/check\('use'\)/g) ?? [];
    expect(checks).toHaveLength(names.LIMITS.integrationsPerReference);
  });
});

/** Every path at which a schema names a source: `spec.env[].secret.source`, `spec.envFrom[].source`. */
function carriers(schema: z.ZodType, path: string, found: string[] = []): string[] {
  if (schema instanceof z.ZodObject) {
    // .describe() and .optional() make copies, but what is inside stays the same object.
    if (schema.shape['id'] === source.shape.id) found.push(path);
    for (const [field, inner] of Object.entries(schema.shape))
      carriers(inner as z.ZodType, `${path}.${field}`, found);
  } else if (schema instanceof z.ZodArray) carriers(schema.element as z.ZodType, `${path}[]`, found);
  else if (schema instanceof z.ZodOptional) carriers(schema.unwrap() as z.ZodType, path, found);
  return found;
}

/** The carriers of which the policy does not read type and id: as a list of the spec, which is how it knows them. */
function uncovered(schema: z.ZodType, policy: string): string[] {
  return carriers(schema, 'spec').filter((place) => {
    const [, list, field] = /^spec\.(\w+)\[\]\.([\w.]+)$/.exec(place) ?? [];
    const fresh = `object.spec.?${list}.orValue([]).filter(e, !(e in variables.`;
    const mapped = `.map(e, e.${field}.type + '/' + e.${field}.id)`;
    return !policy.split('\n').some((line) => line.includes(fresh) && line.endsWith(mapped));
  });
}

describe('the use policy', () => {
  const policy = read('policies/references-use.yaml');

  it('covers every place of a reference that carries a source', () => {
    const places = carriers(secretReference.spec, 'spec');
    expect(places).toEqual([
      'spec.env[].secret.source',
      'spec.envFrom[].source',
      'spec.sparkConf[].secret.source',
    ]);
    expect(uncovered(secretReference.spec, policy)).toEqual([]);
  });

  it.each<[string, z.ZodType, string]>([
    [
      'a list of entries with a secret',
      z.array(z.object({ secret: secretObject })),
      'spec.more[].secret.source',
    ],
    [
      'a list of sources',
      z.array(z.object({ source: source.describe('again') })).optional(),
      'spec.more[].source',
    ],
    ['a single secret', secretObject.optional(), 'spec.more.source'],
    ['another place in a list that it knows', z.array(z.object({ other: source })), 'spec.more[].other'],
  ])('would not cover %s that a later version adds', (_, more, place) => {
    expect(uncovered(z.object({ more }), policy)).toEqual([place]);
  });

  it('would miss a carrier if its line were gone', () => {
    const without = policy.replaceAll(/.*e\.source\.type.*\n/g, '');
    expect(uncovered(secretReference.spec, without)).toEqual(['spec.envFrom[].source']);
  });
});

/** The carriers of which the policy does not read type and id, as single objects of the spec. */
function uncoveredSingles(schema: z.ZodType, policy: string): string[] {
  const lines = policy.split('\n').map((line) => line.trim());
  const sum = lines[lines.indexOf('- name: sources') + 1] ?? '';
  return carriers(schema, 'spec').filter((place) => {
    const [, field = ''] = /^spec\.(\w+)\.source$/.exec(place) ?? [];
    const read = `[object.${place}.type + '/' + object.${place}.id]`;
    const at = lines.indexOf(`- name: ${field}`);
    return at < 0 || !lines[at + 1]?.includes(read) || !sum.includes(`variables.${field}`);
  });
}

describe('the use policy of storages', () => {
  const policy = read('policies/storage-use.yaml');

  it('covers every place of a storage that carries a source, and asks about as many', () => {
    const places = carriers(storageConfig.spec, 'spec');
    expect(places).toEqual(['spec.accessKeySecret.source', 'spec.storageSecret.source']);
    expect(uncoveredSingles(storageConfig.spec, policy)).toEqual([]);
    expect(policy.match(/check\('use'\)/g)).toHaveLength(places.length);
  });

  it('would miss a carrier that a later version adds, or whose line were gone', () => {
    const more = z.object({ tokenSecret: secretObject, list: z.array(z.object({ secret: secretObject })) });
    expect(uncoveredSingles(more, policy)).toEqual(['spec.tokenSecret.source', 'spec.list[].secret.source']);
    const without = policy.replace('variables.accessKeySecret + ', '');
    expect(uncoveredSingles(storageConfig.spec, without)).toEqual(['spec.accessKeySecret.source']);
  });
});

it('every kind with a source has a policy', () => {
  const kinds = [secretReference, storageConfig].map(({ plural }) => plural);
  const crds = readdirSync(new URL('../../crds', import.meta.url)).map((file) =>
    readFileSync(new URL(`../../crds/${file}`, import.meta.url), 'utf8'),
  );
  const carrying = crds.filter((crd) => crd.includes('- KUBERNETES'));
  expect(carrying).toHaveLength(kinds.length);
  for (const plural of kinds)
    expect(config).toContain(`resources: [${plural}]\n        operations: [CREATE, UPDATE]`);
});

describe('a warning', () => {
  it('refuses nothing, and is no part of the fence that Fairlead waits for', () => {
    const file = read('warnings/storage-plain-text.yaml');
    expect(file).toContain('validationActions: [Warn]');
    expect(file).toContain('failurePolicy: Ignore');
    expect(read('policies/kustomization.yaml')).not.toContain('plain-text');
    expect(read('kustomization.yaml')).toContain('- warnings');
  });
});

describe('the policies of integrations', () => {
  it('ask for what ends an integration by an update as for its deletion: owners, and finalizers that are new', () => {
    const policy = read('policies/integrations-delete.yaml');
    expect(policy).toContain('operations: [UPDATE, DELETE]');
    const [, free = ''] = /name: free\n\s+expression: >-\n([^#]*?)\n {2}validations:/.exec(policy) ?? [];
    const either = (field: string) => [`object.metadata.?${field}`, `oldObject.metadata.?${field}`];
    for (const part of [...either('ownerReferences'), ...either('finalizers')]) expect(free).toContain(part);
    expect(policy.match(/^ +variables\.free \|\| variables\.bundle [=!]= ''/gm)).toHaveLength(2);
  });

  it('ask for one without a bundle the same at its creation as at its deletion', () => {
    const all =
      /variables\.bundle != '' \|\|\s+authorizer[^']*'fairlead\.dev'\)\s*\.resource\('resourcebundles'\)\s*\.namespace\('fairlead-system'\)\s*\.check\('use'\)/;
    for (const which of ['credentials', 'delete'])
      expect(read(`policies/integrations-${which}.yaml`)).toMatch(all);
  });
});

describe('the webhook', () => {
  it('has two entries for pods whose namespaces complement each other', () => {
    const webhook = read('webhook/webhook.yaml');
    expect(webhook).toMatch(/key: fairlead.dev\/legacy-placeholders, operator: NotIn, values: \[enabled\]/);
    expect(webhook).toMatch(/key: fairlead.dev\/legacy-placeholders, operator: In, values: \[enabled\]/);
    expect(webhook.match(/failurePolicy: Fail/g)).toHaveLength(2);
  });

  it('sees drivers and ConfigMaps only with config/legacy-spark, and of legacy namespaces', () => {
    expect(read('webhook/webhook.yaml')).not.toMatch(/configmaps|spark-/);
    const [, drivers = '', configMaps = ''] = read('legacy-spark/webhook.yaml').split('\n  - name: ');
    for (const entry of [drivers, configMaps])
      expect(entry).toMatch(/key: fairlead.dev\/legacy-placeholders, operator: In, values: \[enabled\]/);
    expect(drivers).toContain('path: /mutate/legacy-pods');
    expect(configMaps).toContain(CONFIG_MAPS_PATH);
    for (const name of [names.SPARK_ROLE_LABEL, names.SPARK_CONF_VOLUME, names.GATE])
      expect(drivers).toContain(`'${name}'`);
    expect(configMaps).toContain(names.SPARK_PROPERTIES);
  });
});

describe('the API for keys', () => {
  const keys = readdirSync(new URL('../../config/keys-api', import.meta.url)).map((file) =>
    read(`keys-api/${file}`),
  );

  it('is off by default: nothing of it but its fence is installed with the rest', () => {
    expect(read('kustomization.yaml')).not.toContain('keys-api');
    expect(read('policies/kustomization.yaml')).toContain('fence-keys.yaml');
  });

  it('has as many anchors as the policy and RBAC allow', () => {
    const last = names.KEYS_AUDIT_LEASES - 1;
    expect(read('policies/fence-keys.yaml')).toContain(`'^${names.KEYS_AUDIT_LEASE_PREFIX}[0-${last}]$'`);
    expect(read('keys-api/rbac.yaml')).not.toContain(`${names.KEYS_AUDIT_LEASE_PREFIX}${last + 1}`);
  });

  it('is asked for warnings by way of the API server, and never stands in the way', () => {
    const { webhooks } = parse(read('keys-api/deletions.yaml')) as { webhooks: object[] };
    const path = `/apis/${names.KEYS_GROUP}/${names.VERSION}/${names.DELETION_WARNINGS}`;
    const service = { name: 'kubernetes', namespace: 'default', path };
    expect(webhooks).toMatchObject([{ clientConfig: { service }, failurePolicy: 'Ignore' }]);
  });

  it('holds no verb for everything, and cannot delete', () => {
    expect(keys.join('\n')).not.toMatch(
      /['"]?\*['"]?\]|verbs: .*\b(?:delete|deletecollection|escalate|bind|impersonate)\b/,
    );
  });
});

describe('RBAC', () => {
  it('gives the admission role nothing at all', () => {
    expect(config).not.toMatch(/subjects:[^-]*-[^-]*name: fairlead-admission/);
  });

  it('gives the controller just what the Roles of bundles grant, and neither escalate nor bind', () => {
    const role = read('rbac/controller.yaml').split('\n---\n')[2] ?? '';
    const verbs = [
      ...role.matchAll(/resources: \[(?:[\w, ]+, )?vaultintegrations[\w, ]*\]\n\s+verbs: \[([^\]]*)\]/g),
    ];
    const held = verbs.flatMap(([, list = '']) => list.split(', '));
    const permissions = [
      { subjects: [{ kind: 'User' as const, name: 'x' }], allow: ['View', 'Use', 'Update'] as const },
    ];
    const spec = { permissions: permissions.map((one) => ({ ...one, allow: [...one.allow] })) };
    const grants = grantsOf({ name: 'b', namespace: 'n', uid: 'u' }, spec, ['i']).values();
    const granted = [...grants].flatMap(({ role: { rules } }) => rules.flatMap((rule) => rule.verbs));
    expect(new Set(held)).toEqual(new Set([...granted, 'list', 'watch']));
    expect(config).not.toMatch(/verbs: .*\b(?:escalate|bind)\b/);
  });

  it('aggregates reading references into view, and writing them into nothing', () => {
    const people = read('rbac/people.yaml').split('\n---\n');
    const aggregated = people.filter((one) => /^ {4}rbac.authorization.k8s.io\/aggregate-to-/m.test(one));
    expect(aggregated).toHaveLength(1);
    expect(aggregated[0]).toMatch(
      /aggregate-to-view: 'true'\nrules:\n.*\n.*\n {4}verbs: \[get, list, watch\]\n$/,
    );
    expect(people.join()).not.toMatch(/\*/);
    // They can hold keys in plain text.
    expect(aggregated[0]).not.toContain('storageconfigs');
  });

  it('never lets the controller read, change or delete Secrets in the whole cluster', () => {
    const [clusterRole = ''] = read('rbac/controller.yaml').split('---');
    const secrets = /resources: \[secrets\]\n\s+verbs: \[([^\]]*)\]/.exec(clusterRole)?.[1];
    expect(secrets).toBe('create');
    expect(clusterRole).not.toMatch(/\*|configmaps/);
  });

  it('lets the controller read ConfigMaps of the whole cluster by name only where config/legacy-spark is applied', () => {
    const rule = read('legacy-spark/configmaps.yaml');
    expect(rule.match(/(?:resources|verbs): .*/g)).toEqual(['resources: [configmaps]', 'verbs: [get]']);
    expect(read('kustomization.yaml') + read('rbac/kustomization.yaml')).not.toContain('legacy-spark');
  });
});
