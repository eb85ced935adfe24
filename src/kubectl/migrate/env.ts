import type { YAMLMap } from 'yaml';
import { embedReferences, hasPlaceholderText, piecesOf } from '../../admission/placeholders.ts';
import { isForSpark } from '../../api/variable-name.ts';
import type { Context } from './context.ts';
import { commentsOf, dropIfEmpty, settingsOf, textIn, type Setting } from './nodes.ts';

/** What has an env list. */
export interface EnvOwner {
  readonly node: YAMLMap;
  /** `container main`: how messages name it. */
  readonly label: string;
  /** `env`, or what the kind calls it. */
  readonly field: string;
  /** The kubelet expands `$(NAME)` in a value with what stands in the delivery. Not where executors get it, too. */
  readonly expands: boolean;
}

/**
 * Moves the placeholders of env lists into the reference: a value that is one goes as a whole, one inside a longer
 * value becomes a variable of the reference and `$(NAME)`. Returns the owners that need the reference now.
 */
export function migrateEnv(owners: readonly EnvOwner[], context: Context): ReadonlySet<EnvOwner> {
  const needing = new Set<EnvOwner>();
  // All that can go as a whole goes first: names that people chose win over names that are made up.
  for (const owner of owners) if (moveWhole(owner, context)) needing.add(owner);
  const names = new Set(owners.flatMap((owner) => namesOf(owner)));
  for (const owner of owners) if (owner.expands && expandInside(owner, names, context)) needing.add(owner);
  return needing;
}

const settings = ({ node, field }: EnvOwner): Setting[] => settingsOf(node.get(field, true));

/** With those of entries that have valueFrom: they hide a variable of the same name, too. */
function namesOf({ node, field }: EnvOwner): string[] {
  const list = node.get(field, true) as { readonly items?: readonly unknown[] } | undefined;
  return (list?.items ?? []).flatMap((item) => textIn(item, 'name') ?? []);
}

function moveWhole(owner: EnvOwner, context: Context): boolean {
  const { draft, secretFor } = context;
  let moved = false;
  for (const setting of settings(owner)) {
    const { name, value } = setting;
    const key = onlyKey(value.value);
    if (key === undefined) {
      if (!owner.expands && hasPlaceholderText(value.value)) context.leave(value, LONGER);
      continue;
    }
    // The last of several wins, and any explicit one wins over the reference.
    if (namesOf(owner).filter((one) => one === name).length > 1) continue;
    if (!owner.expands && isForSpark(name)) {
      context.leave(value, NOT_FOR_EXECUTORS);
      continue;
    }
    const secret = secretFor(key);
    if (!draft.addVariable(name, secret, commentsOf(setting.node))) {
      if (!owner.expands) context.leave(value, CANNOT_BE_VARIABLE);
      continue;
    }
    setting.remove();
    context.move(
      { what: `variable ${name} of ${owner.label}`, variable: name, secret, placeholder: key },
      value,
    );
    moved = true;
  }
  if (moved) dropIfEmpty(owner.node, owner.field);
  return moved;
}

function expandInside(owner: EnvOwner, names: ReadonlySet<string>, context: Context): boolean {
  let moved = false;
  for (const { name, value } of settings(owner)) {
    if (!hasPlaceholderText(value.value)) continue;
    value.value = embedReferences(value.value, (key) => {
      const secret = context.secretFor(key);
      const variable = context.draft.variableFor(secret, names);
      context.move(
        { what: `part of variable ${name} of ${owner.label}`, variable, secret, placeholder: key },
        value,
      );
      return variable;
    });
    moved = true;
  }
  return moved;
}

/** The key if the text is one placeholder and nothing else. */
export function onlyKey(text: string): string | undefined {
  const [piece, ...more] = piecesOf(text);
  return more.length === 0 && typeof piece === 'object' ? piece.key : undefined;
}

const LONGER =
  'only the env of a pod or a Spark driver can have a secret inside a longer value: store the whole value under a key of its own';
export const NOT_FOR_EXECUTORS =
  'a reference gives no variable of this name to executors, since Spark or Hadoop load code or configuration by it: use the Spark property for it, or a Secret of your own';
export const CANNOT_BE_VARIABLE =
  'the reference cannot have this variable: its name is reserved, or is there with another key';
