import { quoted } from '../../admission/annotations.ts';
import { API_VERSION } from '../../api/names.ts';
import { storageConfig } from '../../api/storage-config.ts';
import { hasPlaceholder } from '../../admission/placeholders.ts';
import type { Found } from './codes.ts';
import { isObject, listAt, objectAt, type Manifest, type Path } from './documents.ts';
import { sparkPath, textsOf, type Template, type TemplateContainer } from './templates.ts';

const SECRET_NAME =
  /(^|[_.-])(PASSWORD|PASSWD|PWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY|CREDENTIALS?)$/i;
/** What names a value that stands elsewhere, or is obviously none. */
const NO_LITERAL = /^\s*$|^\$\([A-Za-z_][\w.-]*\)$|^\$\{[^}]*\}$|^(true|false|none|null)$/i;

/** Does the namespace replace placeholders? Unknown if the files do not say. */
export type Legacy = 'yes' | 'no' | 'unknown';

/** Placeholders that stay as they are, and values that look like secrets. No value is ever in a message. */
export function checkSecrets(manifest: Manifest, templates: readonly Template[], legacy: Legacy): Found[] {
  return [
    ...templates.flatMap(({ containers }) =>
      containers.flatMap((container) => ofContainer(container, legacy)),
    ),
    ...ofConfigMap(manifest),
    ...ofSpark(manifest),
    ...ofSecretKey(manifest),
    ...ofStorage(manifest),
  ];
}

function ofContainer({ name, value, path }: TemplateContainer, legacy: Legacy): Found[] {
  const env = listAt(value, 'env').flatMap((entry, index) => {
    if (!isObject(entry) || typeof entry['name'] !== 'string' || typeof entry['value'] !== 'string')
      return [];
    const at = [...path, 'env', index, 'value'];
    return ofVariable(entry['name'], entry['value'], at, legacy);
  });
  const words = ['command', 'args'].flatMap((field) =>
    listAt(value, field).flatMap((word, index) => {
      if (typeof word !== 'string') return [];
      const at = [...path, field, index];
      return [...neverReplaced(word, field, name, at), ...ofConfWord(word, at)];
    }),
  );
  return [...env, ...words];
}

function neverReplaced(word: string, field: string, name: string, path: Path): Found[] {
  if (!mentionsPlaceholder(word)) return [];
  return [
    {
      code: 'PlaceholderNeverWorks',
      message: `a placeholder in ${field} of container ${quoted(name)}`,
      path,
    },
  ];
}

function ofVariable(name: string, value: string, path: Path, legacy: Legacy): Found[] {
  if (mentionsPlaceholder(value)) {
    if (legacy === 'yes') return [];
    const code = legacy === 'no' ? 'PlaceholderLiteral' : 'PlaceholderUncertain';
    return [{ code, message: `a placeholder in the variable ${quoted(name)}`, path }];
  }
  return looksSecret(name, value)
    ? [{ code: 'PlaintextSecret', message: `the variable ${quoted(name)} has its value in plain text`, path }]
    : [];
}

/** Spark's own file in legacy namespaces, and other files, are for their readers to understand. */
function ofConfigMap({ kind, apiVersion, value }: Manifest): Found[] {
  if (kind !== 'ConfigMap' || apiVersion !== 'v1') return [];
  return textsOf(objectAt(value, 'data')).flatMap(([name, text]) => {
    const path = ['data', name];
    const placeholder: Found[] = mentionsPlaceholder(text)
      ? [{ code: 'PlaceholderInConfigMap', message: `a placeholder in the key ${quoted(name)}`, path }]
      : [];
    const options = text.split('\n').flatMap((line) => {
      const [, key = '', setting = ''] = /^\s*(spark\.[^\s=:]+)[\s=:]+(.*?)\s*$/.exec(line) ?? [];
      return key === '' ? [] : ofSparkOption(key, setting, path);
    });
    return [...placeholder, ...options];
  });
}

function ofSpark({ kind, value }: Manifest): Found[] {
  const path = sparkPath(kind);
  if (!path) return [];
  const spec = objectAt(value, ...path);
  return ['sparkConf', 'hadoopConf'].flatMap((field) =>
    textsOf(objectAt(spec, field)).flatMap(([key, setting]) =>
      ofSparkOption(key, setting, [...path, field, key]),
    ),
  );
}

/** `--conf spark.x=y` has its second word here, `--conf=spark.x=y` and `-Dspark.x=y` all of it. */
function ofConfWord(word: string, path: Path): Found[] {
  const [, key = '', setting = ''] = /^(?:--conf=|-D)?(spark\.[^\s=]+)=(.*)$/s.exec(word) ?? [];
  return key === '' ? [] : ofSparkOption(key, setting, path);
}

function ofSparkOption(key: string, setting: string, path: Path): Found[] {
  const [, variable] = /^spark\.executorEnv\.(.+)$/.exec(key) ?? [];
  if (variable !== undefined && (looksSecret(variable, setting) || mentionsPlaceholder(setting)))
    return [
      { code: 'SparkExecutorEnv', message: `${quoted(key)} would show its value in executor pods`, path },
    ];
  if (/(extra|default)JavaOptions$/.test(key) && carriesSecret(setting))
    return [{ code: 'SparkJavaOptions', message: `${quoted(key)} carries what looks like a secret`, path }];
  return looksSecret(key, setting)
    ? [{ code: 'PlaintextSecret', message: `the option ${quoted(key)} has its value in plain text`, path }]
    : [];
}

/** The write-only value of the API for keys is not meant to be kept in a file. */
function ofSecretKey({ kind, apiVersion, value }: Manifest): Found[] {
  const isKey = kind === 'SecretKey' && apiVersion.startsWith('keys.fairlead.dev/');
  if (!isKey || typeof objectAt(value, 'spec')['value'] !== 'string') return [];
  const fix = 'Pipe the value into kubectl fairlead set.';
  return [
    {
      code: 'PlaintextSecret',
      message: 'the SecretKey has its value in plain text',
      path: ['spec', 'value'],
      fix,
    },
  ];
}

/** Deprecated, and the API server warns of it, too. */
function ofStorage({ kind, apiVersion, value }: Manifest): Found[] {
  const spec = objectAt(value, 'spec');
  const isPlain =
    kind === storageConfig.kind && apiVersion === API_VERSION && typeof spec['secretKey'] === 'string';
  if (!isPlain) return [];
  const fix = 'Put the key into a store or Vault, and name it in spec.storageSecret.';
  const message = 'the StorageConfig has its secret key in plain text';
  return [{ code: 'PlaintextSecret', message, path: ['spec', 'secretKey'], fix }];
}

function carriesSecret(options: string): boolean {
  const words = options.matchAll(/-D([^\s=]+)=(\S+)/g);
  return (
    /\$\{env[:.]/.test(options) ||
    mentionsPlaceholder(options) ||
    Array.from(words).some(([, name = '', value = '']) => looksSecret(name, value))
  );
}

function looksSecret(name: string, value: string): boolean {
  return SECRET_NAME.test(name) && !NO_LITERAL.test(value);
}

/** As admission would see it in the value of an env entry. */
function mentionsPlaceholder(text: string): boolean {
  return hasPlaceholder({ name: '', env: [{ name: '', value: text }] });
}
