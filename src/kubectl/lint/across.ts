import { DOMAIN_LABEL, LEGACY_LABEL } from '../../api/names.ts';
import type { SecretReferenceSpec } from '../../api/secret-reference.ts';
import type { StorageConfigSpec } from '../../api/storage-config.ts';
import { NAMING, NAMING_ANNOTATIONS, quoted, listedNames } from '../../admission/annotations.ts';
import { collectWanted, type Asker } from '../../resolve/wanted.ts';
import type { Finding, Found } from './codes.ts';
import { isObject, listAt, objectAt, type Manifest } from './documents.ts';
import type { Legacy } from './secrets.ts';
import type { Template } from './templates.ts';

/** What the files say together, for what one object alone cannot tell. */
export class Together {
  readonly #namespaces: ReadonlyMap<string, Manifest>;
  /** References and storages. */
  readonly #named: readonly Manifest[];
  readonly #legacy: ReadonlySet<string>;

  constructor(manifests: readonly Manifest[], sound: ReadonlySet<Manifest>, legacy: readonly string[]) {
    const ofKind = (kind: string) => manifests.filter((manifest) => manifest.kind === kind);
    this.#namespaces = new Map(ofKind('Namespace').map((manifest) => [manifest.name, manifest]));
    // One that is broken has findings of its own.
    const named = Object.values(NAMING).flatMap(({ kind }) => ofKind(kind));
    this.#named = named.filter((manifest) => sound.has(manifest));
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
  #find({ kind, name }: Asker, namespace: string): Manifest | undefined {
    const fits = (one: string) => one === namespace || one === '' || namespace === '';
    return this.#named.find((one) => one.kind === kind && one.name === name && fits(one.namespace));
  }

  /** References and storages of a template that no file defines, that conflict with each other, or that its own env overrides. */
  check({ namespace }: Manifest, template: Template): Found[] {
    const annotations = objectAt(template.metadata, 'annotations');
    const named = NAMING_ANNOTATIONS.flatMap((by) => {
      const value = annotations[by];
      const { kind } = NAMING[by];
      const path = [...template.metadataPath, 'annotations', by];
      return listedNames(typeof value === 'string' ? value : '').map((name) => {
        return { kind, name, path, manifest: this.#find({ kind, name }, namespace) };
      });
    });
    const path = named[0]?.path ?? [];
    const defined = named.flatMap(({ manifest }) => manifest ?? []);
    const { problems, variables } = wantedOf(defined);
    const given = new Map(variables.map(({ name, from }) => [name, from ? `${from.kind} ${from.name}` : '']));
    return [
      ...named
        .filter(({ manifest }) => !manifest)
        .map(({ kind, name, path: at }): Found => ({
          code: 'ReferenceUndefined',
          message: `no file defines the ${kind} ${quoted(name)}`,
          path: at,
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
      const message = `container ${quoted(container.name)} sets ${name} itself, over ${given.get(name)}`;
      return [{ code: 'EnvOverrides', message, path: [...container.path, 'env', index] }];
    }),
  );
}

/** What sound references and storages ask for together. */
function wantedOf(defined: readonly Manifest[]) {
  const specs = <T>(of: Asker['kind']) =>
    defined
      .filter(({ kind }) => kind === of)
      .map(({ name, value }) => ({ name, spec: objectAt(value, 'spec') as unknown as T }));
  const references = specs<SecretReferenceSpec>('SecretReference').map(({ name, spec }) => ({
    name,
    ...spec,
  }));
  return collectWanted(references, [], specs<StorageConfigSpec>('StorageConfig'));
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
