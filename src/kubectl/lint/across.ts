import { DOMAIN_LABEL, LEGACY_LABEL, REFERENCES_ANNOTATION } from '../../api/names.ts';
import type { EnvEntry, ImportEntry } from '../../api/secret-reference.ts';
import { quoted, referenceNames } from '../../admission/annotations.ts';
import { collectWanted } from '../../resolve/wanted.ts';
import type { Finding, Found } from './codes.ts';
import { isObject, listAt, objectAt, type Manifest } from './documents.ts';
import type { Legacy } from './secrets.ts';
import type { Template } from './templates.ts';

/** What the files say together, for what one object alone cannot tell. */
export class Together {
  readonly #namespaces: ReadonlyMap<string, Manifest>;
  readonly #references: readonly Manifest[];
  readonly #legacy: ReadonlySet<string>;

  constructor(manifests: readonly Manifest[], sound: ReadonlySet<Manifest>, legacy: readonly string[]) {
    const ofKind = (kind: string) => manifests.filter((manifest) => manifest.kind === kind);
    this.#namespaces = new Map(ofKind('Namespace').map((manifest) => [manifest.name, manifest]));
    // One that is broken has findings of its own.
    this.#references = ofKind('SecretReference').filter((manifest) => sound.has(manifest));
    this.#legacy = new Set(legacy);
  }

  /** Null: the namespace is in the files and has none. */
  domainOf(namespace: string): string | null | undefined {
    const manifest = this.#namespaces.get(namespace);
    if (!manifest) return undefined;
    const domain = objectAt(manifest.value, 'metadata', 'labels')[DOMAIN_LABEL];
    return typeof domain === 'string' && domain !== '' ? domain : null;
  }

  legacyOf(namespace: string): Legacy {
    if (this.#legacy.has(namespace)) return 'yes';
    const manifest = this.#namespaces.get(namespace);
    if (!manifest) return 'unknown';
    return objectAt(manifest.value, 'metadata', 'labels')[LEGACY_LABEL] === 'enabled' ? 'yes' : 'no';
  }

  /** An object without a namespace goes where kubectl's -n says: it may meet any. */
  #reference(name: string, namespace: string): Manifest | undefined {
    return this.#references.find(
      (one) => one.name === name && (one.namespace === namespace || one.namespace === '' || namespace === ''),
    );
  }

  /** References of a template that no file defines, that conflict with each other, or that its own env overrides. */
  check({ namespace }: Manifest, template: Template): Found[] {
    const value = objectAt(template.metadata, 'annotations')[REFERENCES_ANNOTATION];
    if (typeof value !== 'string') return [];
    const path = [...template.metadataPath, 'annotations', REFERENCES_ANNOTATION];
    const names = referenceNames(value);
    const defined = names.flatMap((name) => this.#reference(name, namespace) ?? []);
    const undefinedOnes = names.filter((name) => !this.#reference(name, namespace));
    const specs = defined.map(({ name, value: object }) => ({ name, ...specOf(object) }));
    const { problems, variables } = collectWanted(specs, []);
    const given = new Map(variables.map((variable) => [variable.name, variable.from ?? '']));
    return [
      ...undefinedOnes.map((name): Found => ({
        code: 'ReferenceUndefined',
        message: `no file defines the SecretReference ${quoted(name)}`,
        path,
      })),
      ...(defined.length > 1 ? problems : []).map(({ reason, entry, message }): Found => ({
        code: reason === 'NameConflict' ? 'NameConflict' : 'TooMuch',
        message: entry === undefined ? message : `${entry} ${message}`,
        path,
      })),
      ...overriding(template, given),
    ];
  }
}

function overriding({ containers }: Template, given: ReadonlyMap<string, string>): Found[] {
  return containers.flatMap((container) =>
    listAt(container.value, 'env').flatMap((entry, index): Found[] => {
      const name = isObject(entry) ? entry['name'] : undefined;
      if (typeof name !== 'string' || !given.has(name)) return [];
      const message = `container ${quoted(container.name)} sets ${name} itself, over SecretReference ${given.get(name)}`;
      return [{ code: 'EnvOverrides', message, path: [...container.path, 'env', index] }];
    }),
  );
}

function specOf(reference: Manifest['value']): {
  readonly env?: EnvEntry[];
  readonly envFrom?: ImportEntry[];
} {
  const spec: object = objectAt(reference, 'spec');
  return spec;
}

/** Objects that stand in the files twice; one without a namespace is another one than one with. */
export function duplicateObjects(manifests: readonly Manifest[]): Finding[] {
  const first = new Map<string, Manifest>();
  return manifests.flatMap((manifest) => {
    if (manifest.name === '') return [];
    const group = manifest.apiVersion.includes('/') ? manifest.apiVersion.split('/')[0] : '';
    const key = JSON.stringify([group, manifest.kind, manifest.namespace, manifest.name]);
    const known = first.get(key);
    if (!known) {
      first.set(key, manifest);
      return [];
    }
    const { file, line } = known.locate({ code: 'DuplicateObject', message: '', path: ['metadata', 'name'] });
    const message = `${manifest.kind} ${quoted(manifest.name)} stands in ${file}:${line} already`;
    return [manifest.locate({ code: 'DuplicateObject', message, path: ['metadata', 'name'] })];
  });
}
