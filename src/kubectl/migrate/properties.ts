import { hasPlaceholderText } from '../../admission/placeholders.ts';
import type { SecretObject } from '../../api/secret-object.ts';
import { executorVariable, propertyKind } from '../../api/spark-property.ts';
import type { Context } from './context.ts';
import { CANNOT_BE_VARIABLE, onlyKey } from './env.ts';
import { commentsOf, settingsOf } from './nodes.ts';

const DRIVER_ENV = 'spark.kubernetes.driverEnv.';

/**
 * Moves the placeholders of Spark configuration into the reference: a map, or a list of names and values. `prefix` is
 * what the names lack to be properties. Returns whether anything went.
 */
export function migrateProperties(node: unknown, prefix: string, context: Context): boolean {
  let moved = false;
  for (const setting of settingsOf(node)) {
    const { value } = setting;
    if (!hasPlaceholderText(value.value)) continue;
    const property = prefix + setting.name;
    const key = onlyKey(value.value.trim());
    const secret = key === undefined ? undefined : context.secretFor(key);
    const problem = secret ? addSetting(property, secret, commentsOf(setting.node), context) : LONGER;
    if (problem !== undefined || !secret || key === undefined) {
      context.leave(value, problem ?? LONGER);
      continue;
    }
    const variable = variableOf(property);
    context.move(
      {
        what: `property ${property}`,
        ...(variable === undefined ? { property } : { variable }),
        secret,
        placeholder: key,
      },
      value,
    );
    setting.remove();
    moved = true;
  }
  return moved;
}

/** Puts it where a property's value belongs; otherwise says why it cannot. */
export function addSetting(
  property: string,
  secret: SecretObject,
  comments: readonly string[],
  { draft }: Pick<Context, 'draft'>,
): string | undefined {
  const variable = variableOf(property);
  if (variable !== undefined)
    return draft.addVariable(variable, secret, comments) ? undefined : CANNOT_BE_VARIABLE;
  if (propertyKind(property) === undefined) return WRITTEN;
  return draft.addProperty(property, secret, comments) ? undefined : OTHER_PROPERTY;
}

/** Driver and executors have the same variables of a reference. */
export function variableOf(property: string): string | undefined {
  if (property.startsWith(DRIVER_ENV)) return property.slice(DRIVER_ENV.length);
  return executorVariable(property);
}

const LONGER =
  'a Spark property takes its value from one key as a whole: store the whole value under a key of its own';
const WRITTEN = 'Spark writes this property in plain text into pods: use a variable (env) instead';
const OTHER_PROPERTY = 'the reference has this property already, from another key';
