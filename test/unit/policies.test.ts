import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as names from '../../src/api/names.ts';
import { secretObject, secretReference } from '../../src/api/secret-reference.ts';

const read = (path: string) => readFileSync(new URL(`../../config/${path}`, import.meta.url), 'utf8');
const config = ['policies', 'webhook', 'rbac']
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
    names.DELIVERED_ANNOTATION,
    names.DELIVERED_CONDITION,
    names.DOMAIN_LABEL,
    names.LEGACY_LABEL,
    names.CERTIFICATE_SECRET,
  ])('%s', (name) => {
    expect(config).toContain(name);
  });

  it('and the same limit of integrations in one reference', () => {
    const checks = read('policies/references-use.yaml').match(/check\('use'\)/g) ?? [];
    expect(checks).toHaveLength(names.LIMITS.integrationsPerReference);
  });
});

/** Every path at which a schema carries a secret object: `env[].secret`. */
function carriers(schema: z.ZodType, path: string, found: string[] = []): string[] {
  if (schema instanceof z.ZodObject) {
    // .describe() makes copies, but what is inside stays the same object.
    if (schema.shape['source'] === secretObject.shape.source) found.push(path);
    for (const [field, inner] of Object.entries(schema.shape))
      carriers(inner as z.ZodType, `${path}.${field}`, found);
  } else if (schema instanceof z.ZodArray) carriers(schema.element as z.ZodType, `${path}[]`, found);
  else if (schema instanceof z.ZodOptional) carriers(schema.unwrap() as z.ZodType, path, found);
  return found;
}

describe('the use policy', () => {
  it('covers every place of a reference that carries a secret object', () => {
    const policy = read('policies/references-use.yaml');
    const places = carriers(secretReference.spec, 'spec');
    expect(places.length).toBeGreaterThan(0);
    for (const place of places) {
      const list = /^spec\.(\w+)\[\]\.secret$/.exec(place)?.[1];
      expect(list, `${place} is a carrier that no policy knows`).toBeDefined();
      expect(policy).toContain(`object.spec.?${list}.orValue([])`);
    }
  });
});

describe('the webhook', () => {
  it('has two entries whose namespaces complement each other', () => {
    const webhook = read('webhook/webhook.yaml');
    expect(webhook).toMatch(/key: fairlead.dev\/legacy-placeholders, operator: NotIn, values: \[enabled\]/);
    expect(webhook).toMatch(/key: fairlead.dev\/legacy-placeholders, operator: In, values: \[enabled\]/);
    expect(webhook.match(/failurePolicy: Fail/g)).toHaveLength(2);
  });
});

describe('RBAC', () => {
  it('gives the admission role nothing at all', () => {
    expect(config).not.toMatch(/subjects:[^-]*-[^-]*name: fairlead-admission/);
  });

  it('never lets the controller read, change or delete Secrets in the whole cluster', () => {
    const [clusterRole = ''] = read('rbac/controller.yaml').split('---');
    const secrets = /resources: \[secrets\]\n\s+verbs: \[([^\]]*)\]/.exec(clusterRole)?.[1];
    expect(secrets).toBe('create');
    expect(clusterRole).not.toMatch(/\*/);
  });
});
