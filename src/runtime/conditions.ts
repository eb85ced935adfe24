/** metav1.Condition. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  /** RFC 3339, whole seconds, as Kubernetes writes it. */
  lastTransitionTime: string;
  observedGeneration?: number | undefined;
}

const MAX_MESSAGE = 1024;

/**
 * The list with this condition in the place of the one of its type. The same list, not a copy, if nothing has
 * changed, so that the caller writes only then. lastTransitionTime moves only when the status does.
 */
export function setCondition(
  conditions: readonly Condition[],
  wanted: Omit<Condition, 'lastTransitionTime'>,
  now: Date,
): readonly Condition[] {
  const message = boundedMessage(wanted.message);
  const at = conditions.findIndex(({ type }) => type === wanted.type);
  const old = conditions[at];
  if (
    old?.status === wanted.status &&
    old.reason === wanted.reason &&
    old.message === message &&
    old.observedGeneration === wanted.observedGeneration
  ) {
    return conditions;
  }
  const lastTransitionTime = old?.status === wanted.status ? old.lastTransitionTime : conditionTime(now);
  const condition = { ...wanted, message, lastTransitionTime };
  return old === undefined ? [...conditions, condition] : conditions.with(at, condition);
}

/** RFC 3339 in whole seconds, as Kubernetes writes it. */
export function conditionTime(now: Date): string {
  return now.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** The list without the condition of this type; the same list if there was none. */
export function removeCondition(conditions: readonly Condition[], type: string): readonly Condition[] {
  const rest = conditions.filter((condition) => condition.type !== type);
  return rest.length === conditions.length ? conditions : rest;
}

/** At most 1 KiB of UTF-8, cut between code points, with an ellipsis if something was left out. */
export function boundedMessage(text: string): string {
  if (Buffer.byteLength(text) <= MAX_MESSAGE) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(MAX_MESSAGE - 3));
  return `${text.slice(0, read)}…`;
}
