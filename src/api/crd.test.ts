import { describe, expect, it } from 'vitest';
import { customResourceDefinition } from './crd.ts';
import { REASONS, isTerminal, type Reason } from './reasons.ts';
import { resourceBundle } from './resource-bundle.ts';
import { secretReference } from './secret-reference.ts';
import { storageConfig } from './storage-config.ts';
import { RESERVED_VARIABLES, VARIABLE_NAME } from './variable-name.ts';
import { vaultIntegration } from './vault-integration.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- a tree of YAML
type Tree = any;
const kinds = [vaultIntegration, secretReference, storageConfig, resourceBundle] as const;

/** Every object schema of a CRD, with where it stands. */
function* schemas(schema: Tree, path = ''): Generator<[path: string, schema: Tree]> {
  yield [path, schema];
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    yield* schemas(inner, `${path}.${name}`);
  if (schema.items) yield* schemas(schema.items, `${path}[]`);
}

describe.each(kinds)('the CRD of $kind', (kind) => {
  const crd: Tree = customResourceDefinition(kind);
  const version = crd.spec.versions[0];
  const all = [...schemas(version.schema.openAPIV3Schema)];

  it('is named after its plural and group, is namespaced and has a status', () => {
    expect(crd.metadata.name).toBe(`${kind.plural}.fairlead.dev`);
    expect(crd.spec.scope).toBe('Namespaced');
    expect(version).toMatchObject({
      name: 'v1alpha1',
      served: true,
      storage: true,
      subresources: { status: {} },
    });
  });

  it('holds no defaults, which would be drift for a GitOps tool', () => {
    for (const [path, schema] of all) expect(Object.keys(schema), path).not.toContain('default');
  });

  it('limits every list and string of the spec, so that CEL stays within its budget', () => {
    for (const [path, schema] of all) {
      if (!path.startsWith('.spec')) continue;
      if (schema.type === 'array') expect(schema.maxItems, path).toBeGreaterThan(0);
      if (schema.type === 'string' && !schema.enum) expect(schema.maxLength, path).toBeGreaterThan(0);
    }
  });

  it('has nothing that the API server refuses in a structural schema', () => {
    for (const [path, schema] of all) {
      expect(Object.keys(schema), path).not.toContain('additionalProperties');
      expect(Object.keys(schema), path).not.toContain('$schema');
      expect(schema.type, path).toBeTypeOf('string');
    }
  });

  it('says something to people about every field of the spec', () => {
    for (const [path, schema] of all) {
      if (/^\.spec\.[^[]*$/.test(path)) expect(schema.description, path).toBeTypeOf('string');
    }
  });

  it('shows Ready, Reason and Age, and the message in the wide output', () => {
    const columns = version.additionalPrinterColumns as { name: string; priority?: number }[];
    expect(columns.map(({ name }) => name).slice(-4)).toEqual(['Ready', 'Reason', 'Age', 'Message']);
    expect(columns.at(-1)?.priority).toBe(1);
  });
});

describe('variable names', () => {
  it.each(['DB_PASSWORD', '_x', 'a1', '__proto__', 'constructor', 'PATHS', 'MY_PATH', 'FAIRLEAD', 'LDX'])(
    '%s is free',
    (name) => {
      expect(name).toMatch(new RegExp(VARIABLE_NAME));
      expect(name).not.toMatch(new RegExp(RESERVED_VARIABLES));
    },
  );

  it.each([
    ...['FAIRLEAD_SECRET_x', 'KUBERNETES_SERVICE_HOST', 'LD_PRELOAD', 'PATH', 'NODE_OPTIONS'],
    ...[
      'SPARK_SUBMIT_OPTS',
      'JAVA_TOOL_OPTIONS',
      'JDK_JAVA_OPTIONS',
      'BASH_ENV',
      'PYTHONSTARTUP',
      '_JAVA_OPTIONS',
      'PYTHONPATH',
      'ENV',
    ],
  ])('%s is reserved', (name) => {
    expect(name).toMatch(new RegExp(RESERVED_VARIABLES));
  });

  it.each(['1A', 'A-B', 'A.B', '', 'Ä', 'A B'])('"%s" is none', (name) => {
    expect(name).not.toMatch(new RegExp(VARIABLE_NAME));
  });
});

describe('reasons', () => {
  const reasons = Object.keys(REASONS) as Reason[];

  it('are CamelCase words with a meaning and a remedy', () => {
    for (const reason of reasons) {
      expect(reason).toMatch(/^[A-Z][A-Za-z0-9]+$/);
      expect(REASONS[reason].meaning.length, reason).toBeGreaterThan(10);
      expect(REASONS[reason].fix.length, reason).toBeGreaterThan(5);
    }
  });

  it('are terminal only where waiting cannot help', () => {
    expect(reasons.filter(isTerminal)).toEqual([
      'NameConflict',
      'NotSupportedHere',
      'QuotaExceeded',
      'GateHeld',
    ]);
  });
});
