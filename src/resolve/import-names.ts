import { LIMITS } from '../api/names.ts';
import type { ImportEntry } from '../api/secret-reference.ts';
import { isForSpark, RESERVED_VARIABLES, VARIABLE_NAME } from '../api/variable-name.ts';
import { shown, type Finding } from './problem.ts';

/** What one variable of an import is made of: a key, or a leaf of the JSON value of a key. */
export interface Part {
  readonly key: string;
  /** The names that lead to the leaf; empty for the value as a whole. */
  readonly path: readonly string[];
}

type Naming = Pick<ImportEntry, 'prefix' | 'select' | 'stripPrefix' | 'names'>;

const RESERVED = new RegExp(RESERVED_VARIABLES);
const IDENTIFIER = new RegExp(VARIABLE_NAME);

/** The variable that a part is for; not always one that can be. Empty if stripPrefix leaves nothing. */
export function variableName({ prefix = '', select, stripPrefix, names }: Naming, part: Part): string {
  const key = stripPrefix ? part.key.slice(select?.prefix?.length ?? 0) : part.key;
  const own = (key === '' ? part.path : [key, ...part.path]).join('_');
  if (own === '') return '';
  if (names !== 'upperSnake') return prefix + own;
  // ASCII first: upper case of other letters can be several, or an ASCII one.
  const name = prefix + own.replaceAll(/[^A-Za-z0-9_]/gu, '_').toUpperCase();
  return /^[0-9]/.test(name) ? `_${name}` : name;
}

/** Why a part cannot be this variable. */
export function nameProblem(variable: string, part: Part): Finding | undefined {
  const about = partName(part);
  if (variable === '') {
    return { reason: 'NotAVariableName', message: `nothing is left of ${about} as a name: exclude it` };
  }
  if (variable.length > LIMITS.variableNameLength) {
    return {
      reason: 'NotAVariableName',
      message: `${about} makes a name of over ${LIMITS.variableNameLength} characters: exclude it`,
    };
  }
  if (!IDENTIFIER.test(variable)) {
    return {
      reason: 'NotAVariableName',
      message: `${about} is no variable name (letters, digits and _): use names: upperSnake, or exclude it`,
    };
  }
  if (!RESERVED.test(variable) && !isForSpark(variable)) return undefined;
  return {
    reason: 'NotSupportedHere',
    message: `${about} makes the reserved variable ${variable}: exclude it, or set a prefix`,
  };
}

/** `key db property user.name`: how a message names a part. */
export function partName({ key, path }: Part): string {
  return path.length === 0 ? `key ${shown(key)}` : `key ${shown(key)} property ${shown(path.join('.'))}`;
}
