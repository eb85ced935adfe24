import { isOurOptions, type OwnOptions } from '../../admission/pod.ts';
import { LIMITS, SPARK_SUBMIT_OPTS } from '../../api/names.ts';
import { leavesWordsAlone } from '../../deliver/launcher.ts';

/** What becomes of our options in the env values of a pod that name them. */
export interface FilledOptions {
  /** The most bytes that stand beside them in one value. */
  readonly bytes: number;
  /** In a SPARK_SUBMIT_OPTS the launcher would not take them for words of their own. */
  readonly breaks: boolean;
}

/**
 * The env values of a pod that name our options, with what the kubelet fills in from the delivery; undefined if there is
 * none. What it fills in from somewhere else is not known here, and counts as nothing.
 */
export function filledOptions(
  own: readonly OwnOptions[],
  data: ReadonlyMap<string, Buffer>,
): FilledOptions | undefined {
  if (own.length === 0) return undefined;
  const filled = own.map(({ variable, pieces }) => {
    const parts = pieces.map((piece) => {
      if (isOurOptions(piece)) return undefined;
      return typeof piece === 'string' ? Buffer.from(piece) : (data.get(piece.variable) ?? Buffer.alloc(0));
    });
    const bytes = parts.reduce((sum, part) => sum + (part?.length ?? 0), 0);
    // What is too long is refused as such, and not put together before.
    const isRead = variable === SPARK_SUBMIT_OPTS && bytes <= LIMITS.variableBytes;
    return { bytes, breaks: isRead && !leavesWordsAlone(textsBeside(parts)) };
  });
  return {
    bytes: Math.max(...filled.map(({ bytes }) => bytes)),
    breaks: filled.some(({ breaks }) => breaks),
  };
}

/** The texts before, between and after our options. */
function textsBeside(parts: readonly (Buffer | undefined)[]): readonly string[] {
  const texts: Buffer[][] = [[]];
  for (const part of parts) {
    if (part) texts.at(-1)?.push(part);
    else texts.push([]);
  }
  return texts.map((text) => Buffer.concat(text).toString());
}
