import { Together, duplicateObjects } from './across.ts';
import type { Finding } from './codes.ts';
import { parseFile, type Manifest } from './documents.ts';
import { checkKind } from './kinds.ts';
import { checkMarks } from './marks.ts';
import { checkSecrets } from './secrets.ts';
import { templatesOf } from './templates.ts';

export interface LintOptions {
  readonly systemNamespace: string;
  /** Namespaces with legacy placeholders, beside those of which the files say so. */
  readonly legacyNamespaces: readonly string[];
  /** Infos become warnings. */
  readonly strict: boolean;
}

export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** All findings in all files, in the order of files and lines. Pure; quotes no value. */
export function lint(files: readonly SourceFile[], options: LintOptions): Finding[] {
  const parsed = files.map(({ name, text }) => parseFile(name, text));
  const manifests = parsed.flatMap((file) => file.manifests);
  const domainless = new Together(manifests, new Set(), options.legacyNamespaces);
  const kindOptions = {
    systemNamespace: options.systemNamespace,
    domainOf: (namespace: string) => domainless.domainOf(namespace),
  };
  const ofKinds = new Map(manifests.map((manifest) => [manifest, checkKind(manifest, kindOptions)]));
  const sound = new Set(manifests.filter((manifest) => ofKinds.get(manifest)?.length === 0));
  const together = new Together(manifests, sound, options.legacyNamespaces);
  const findings = [
    ...parsed.flatMap((file) => file.findings),
    ...manifests.flatMap((manifest) => [
      ...(ofKinds.get(manifest) ?? []).map(manifest.locate),
      ...ofPods(manifest, together),
    ]),
    ...duplicateObjects(manifests),
  ];
  const order = new Map(files.map(({ name }, index) => [name, index]));
  return findings
    .map((one) =>
      options.strict && one.severity === 'info' ? { ...one, severity: 'warning' as const } : one,
    )
    .sort(
      (a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || a.line - b.line || a.column - b.column,
    );
}

function ofPods(manifest: Manifest, together: Together): Finding[] {
  const templates = templatesOf(manifest);
  return [
    ...checkMarks(manifest, templates),
    ...checkSecrets(manifest, templates, together.legacyOf(manifest.namespace)),
    ...templates.flatMap((template) => together.check(manifest, template)),
  ].map(manifest.locate);
}
