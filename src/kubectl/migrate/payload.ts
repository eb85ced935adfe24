import { isMap, isScalar, type Document, type Node, type YAMLMap } from 'yaml';
import { listedNames } from '../../admission/annotations.ts';
import { SOURCE_TYPES, type SecretObject } from '../../api/secret-object.ts';
import { isForSpark } from '../../api/variable-name.ts';
import { annotateConf, DRIVER_ANNOTATION } from './annotate.ts';
import type { Context } from './context.ts';
import { CANNOT_BE_VARIABLE, migrateEnv, NOT_FOR_EXECUTORS } from './env.ts';
import { child, commentsOf, dropIfEmpty, mapIn, seqIn, settingsOf, textIn } from './nodes.ts';
import { addSetting, migrateProperties, variableOf } from './properties.ts';

const FIELDS = ['envVars', 'sparkConf', 'envSecrets', 'sparkConfSecrets', 'storageSecret', 'config'];

/** A job or compute as it is sent to IOMETE: the fields stand in it, or in its `template`. */
export function isPayload(object: YAMLMap): boolean {
  return [object, mapIn(object, 'template')].some((one) => one && FIELDS.some((field) => child(one, field)));
}

/** What the job's Spark configuration names already. */
export function payloadAsks(object: YAMLMap): readonly string[] {
  return levelsOf(object).flatMap((level) =>
    settingsOf(child(level, 'sparkConf'))
      .filter(({ name }) => name === DRIVER_ANNOTATION)
      .flatMap(({ value }) => listedNames(value.value)),
  );
}

/**
 * Moves placeholders and secret objects of a payload into the reference, and names that in the Spark configuration
 * beside which they stood.
 */
export function migratePayload(document: Document, object: YAMLMap, context: Context): void {
  for (const level of levelsOf(object)) {
    const owner = { node: level, label: 'the payload', field: 'envVars', expands: false };
    const done = [
      migrateEnv([owner], context).size > 0,
      migrateProperties(child(level, 'sparkConf'), '', context),
      moveSecretObjects(level, 'envSecrets', context),
      moveSecretObjects(level, 'sparkConfSecrets', context),
      moveStorageSecret(level, context),
    ];
    if (done.some(Boolean)) annotateConf(document, level, 'sparkConf', context.draft.name);
  }
}

function levelsOf(object: YAMLMap): YAMLMap[] {
  const template = mapIn(object, 'template');
  return template && !mapIn(template, 'spec') ? [object, template] : [object];
}

/** `[{key, secretObject}]`: the key is the name of a variable, or of a Spark property. */
function moveSecretObjects(
  level: YAMLMap,
  field: 'envSecrets' | 'sparkConfSecrets',
  context: Context,
): boolean {
  const list = seqIn(level, field);
  let moved = false;
  for (const item of [...(list?.items ?? [])]) {
    const name = textIn(item, 'key');
    const secret = secretObjectOf(child(item, 'secretObject'));
    if (name === undefined || !secret) {
      context.leave(item as Node, NOT_A_SECRET_OBJECT);
      continue;
    }
    const isVariable = field === 'envSecrets';
    const problem = isVariable
      ? addVariable(name, secret, commentsOf(item), context)
      : addSetting(name, secret, commentsOf(item), context);
    if (problem !== undefined) {
      context.leave(item as Node, problem);
      continue;
    }
    const variable = isVariable ? name : variableOf(name);
    const target = variable === undefined ? { property: name } : { variable };
    context.move({ what: `${field} ${name}`, ...target, secret }, item as Node);
    list?.items.splice(list.items.indexOf(item), 1);
    moved = true;
  }
  if (moved) dropIfEmpty(level, field);
  return moved;
}

function addVariable(
  name: string,
  secret: SecretObject,
  comments: readonly string[],
  { draft }: Context,
): string | undefined {
  if (isForSpark(name)) return NOT_FOR_EXECUTORS;
  return draft.addVariable(name, secret, comments) ? undefined : CANNOT_BE_VARIABLE;
}

const S3_SECRET_KEY = 'spark.hadoop.fs.s3a.secret.key';

/** A secret object that says not for which property it is: for S3 there is one only. */
function moveStorageSecret(level: YAMLMap, context: Context): boolean {
  const node = child(level, 'storageSecret');
  if (!node || (isScalar(node) && node.value === null)) return false;
  const type = (textIn(level, 'type') ?? textIn(level, 'storageType') ?? 's3').toLowerCase();
  const property = context.storageProperty ?? (/^(s3a?|minio)$/.test(type) ? S3_SECRET_KEY : undefined);
  const secret = secretObjectOf(node);
  const problem = !secret
    ? NOT_A_SECRET_OBJECT
    : property === undefined
      ? 'name the Spark property that it is for with --storage-property'
      : addSetting(property, secret, commentsOf(node), context);
  if (problem !== undefined || !secret || property === undefined) {
    context.leave(node, problem ?? NOT_A_SECRET_OBJECT);
    return false;
  }
  context.move({ what: 'storageSecret', property, secret }, node);
  level.delete('storageSecret');
  return true;
}

/** `{key, source: {type, id}}`, with path, version and property if they are given; undefined for anything else. */
export function secretObjectOf(node: unknown): SecretObject | undefined {
  const key = textIn(node, 'key');
  const type = SOURCE_TYPES.find((one) => one === textIn(node, 'source', 'type'));
  const id = textIn(node, 'source', 'id');
  if (!isMap(node) || key === undefined || type === undefined || id === undefined) return undefined;
  if (!hasOnly(node, ['key', 'source', 'path', 'version', 'property'])) return undefined;
  if (!hasOnly(child(node, 'source'), ['type', 'id'])) return undefined;
  const version = child(node, 'version');
  const [path, property] = [textIn(node, 'path'), textIn(node, 'property')];
  // What cannot be understood as a whole is not taken apart.
  if ((child(node, 'path') && path === undefined) || (child(node, 'property') && property === undefined))
    return undefined;
  if (version && !(isScalar(version) && typeof version.value === 'number')) return undefined;
  return {
    key,
    ...(path !== undefined && { path }),
    ...(isScalar(version) && typeof version.value === 'number' && { version: version.value }),
    ...(property !== undefined && { property }),
    source: { type, id },
  };
}

function hasOnly(node: unknown, fields: readonly string[]): boolean {
  return isMap(node) && node.items.every(({ key }) => isScalar(key) && fields.includes(String(key.value)));
}

const NOT_A_SECRET_OBJECT = 'this is no secret object: {key, source: {type, id}}';
