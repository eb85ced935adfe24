import { StatusError } from './errors.ts';
import type { FieldRequirement } from './resource.ts';

/** Fields that every kind can be selected by. */
const ALWAYS: readonly string[] = ['metadata.name', 'metadata.namespace'];
const MAX_REQUIREMENTS = 16;
/** security: expressions take time that grows with the square of what they look at. */
const MAX_SELECTOR = 4096;

/** `a=b,c==d,e!=f`; backslashes escape. Throws StatusError BadRequest, also for a field that is not selectable. */
export function fieldSelector(text: string, selectable: readonly string[]): readonly FieldRequirement[] {
  if (text === '') return [];
  if (text.length > MAX_SELECTOR) throw bad('the field selector is too long');
  const terms = splitTerms(text);
  if (terms.length > MAX_REQUIREMENTS) throw bad('the field selector has too many parts');
  return terms.map((term) => {
    const [, field = '', operator = '', raw = ''] = /^([\w.-]+)(==|=|!=)(.*)$/s.exec(term) ?? [];
    if (operator === '') throw bad('the field selector must be of parts like field=value or field!=value');
    if (![...ALWAYS, ...selectable].includes(field)) {
      const known = [...ALWAYS, ...selectable].join(', ');
      throw bad(`the field selector names a field that is not selectable; these are: ${known}`);
    }
    return { field, equals: operator !== '!=', value: unescape(raw) };
  });
}

/** At the commas that no backslash stands before. An empty part is left out, as kube-apiserver does. */
function splitTerms(text: string): readonly string[] {
  const terms = text.match(/(?:\\.|[^,\\])+/gs) ?? [];
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(text)) throw bad('the field selector ends with a backslash');
  return terms;
}

function unescape(raw: string): string {
  if (/\\[^\\,=]/.test(raw.replaceAll('\\\\', ''))) throw bad('the field selector has a wrong escape');
  if (/(?:^|[^\\])(?:\\\\)*=/.test(raw)) throw bad('an = in a value of the field selector must be escaped');
  return raw.replaceAll(/\\([\\,=])/g, '$1');
}

const KEY = String.raw`(?:[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?\/)?[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?`;
const VALUE = String.raw`(?:[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?)?`;
const ONE_VALUE = new RegExp(`^${VALUE}$`);
/** Whether a part of a label selector holds for what has no labels, by how it looks. */
const FORMS: readonly (readonly [form: RegExp, holds: boolean])[] = [
  [new RegExp(`^${KEY}$`), false],
  [new RegExp(`^!\\s*${KEY}$`), true],
  [new RegExp(`^${KEY}\\s*={1,2}\\s*${VALUE}$`), false],
  [new RegExp(`^${KEY}\\s*!=\\s*${VALUE}$`), true],
  [new RegExp(`^${KEY}\\s*[<>]\\s*-?\\d+$`), false],
];

const OF_A_SET = new RegExp(`^${KEY}\\s+(in|notin)\\s*\\(([^()]*)\\)$`);

/**
 * `key in (a, b)`. security: the values one by one. An expression for all of them, of which each may be empty between
 * blanks, would go through more ways to split a text of a hundred characters than there is time.
 */
function holdsForSet(term: string): boolean | undefined {
  const [, operator, values] = OF_A_SET.exec(term) ?? [];
  if (operator === undefined || values === undefined) return undefined;
  const isSet = values.split(',').every((value) => ONE_VALUE.test(value.trim()));
  return isSet ? operator === 'notin' : undefined;
}

/** Whether a label selector matches objects that have no labels. Throws StatusError BadRequest. */
export function matchesNoLabels(text: string): boolean {
  if (text.trim() === '') return true;
  if (text.length > MAX_SELECTOR / 4) throw bad('the label selector is too long');
  // At the commas outside of parentheses.
  const terms = text.split(/,(?![^()]*\))/).map((term) => term.trim());
  return terms
    .map((term) => {
      const holds = FORMS.find(([form]) => form.test(term))?.[1] ?? holdsForSet(term);
      if (holds === undefined) throw bad('the label selector is not one');
      return holds;
    })
    .every(Boolean);
}

function bad(message: string): StatusError {
  return new StatusError('BadRequest', message);
}
