/** Pods that are created at a steady pace while something happens to Fairlead. */
import { setTimeout as delay } from 'node:timers/promises';
import { pod } from '../demo/objects.ts';
import { waitFor } from '../demo/ui.ts';
import { REFERENCE, type Lab } from './lab.ts';
import { observe } from './observe.ts';

export interface Outcome {
  readonly case: string;
  /** All of them were created in the end. */
  readonly pods: number;
  /** Attempts to create one that failed because no webhook answered. */
  readonly refused: number;
  /** Attempts that failed because the API server could not be reached or was not ready. */
  readonly unreachable: number;
  readonly delivered: number;
  /** Pods that have a Secret. */
  readonly secrets: number;
  /** Pods for which more than one Secret was created. */
  readonly twice: number;
  /** From the creation of a pod to its lifted gate. */
  readonly p50_s: number;
  readonly longest_s: number;
  readonly note: string;
}

export interface Load {
  /** At least so many; it goes on for as long as `disturb` runs. */
  readonly pods: number;
  readonly perSecond: number;
  /** Which part of the pods comes before anything happens; default: a quarter. */
  readonly before?: number;
}

const LANES = 16;

/** `disturb` resolves to what else is worth saying. Rejects if a pod is not let go within the time. */
export async function underLoad(
  lab: Lab,
  name: string,
  { pods, perSecond, before = 0.25 }: Load,
  disturb: (namespace: string) => Promise<string>,
  timeoutMs = 240_000,
): Promise<Outcome> {
  const namespace = await lab.namespace();
  const seen = await observe(lab.cluster.kubeconfig, namespace);
  const created = new Map<string, number>();
  const failed = { refused: 0, unreachable: 0 };
  const begun = Promise.withResolvers<void>();
  const over = new AbortController();
  let next = 0;

  const create = async (pod: string) => {
    for (;;) {
      const fault = await attempt(lab, namespace, pod);
      if (fault === undefined) break;
      failed[fault] += 1;
      await delay(200);
    }
    created.set(pod, performance.now());
    if (created.size >= pods * before) begun.resolve();
  };
  if (before === 0) begun.resolve();
  const started = performance.now();
  const lane = async () => {
    while (next < pods || !over.signal.aborted) {
      const i = next++;
      const due = started + (i / perSecond) * 1000;
      await delay(Math.max(0, due - performance.now()));
      await create(`pod-${i}`);
    }
  };
  const disturbing = begun.promise.then(async () => disturb(namespace)).finally(() => over.abort());
  try {
    const [note] = await Promise.all([disturbing, ...Array.from({ length: LANES }, lane)]);
    await waitFor(
      `${created.size} pods to be let go`,
      async () => (Math.min(seen.lifted.size, seen.created.size) >= created.size ? true : undefined),
      { timeoutMs },
    );
    const waits = [...created].map(([pod, at]) => Math.max(0, (seen.lifted.get(pod) ?? Infinity) - at));
    waits.sort((a, b) => a - b);
    return {
      case: name,
      pods: created.size,
      ...failed,
      delivered: seen.lifted.size,
      secrets: seen.created.size,
      twice: [...seen.created.values()].filter((uids) => uids.size > 1).length,
      p50_s: seconds(waits[Math.floor(waits.length / 2)]),
      longest_s: seconds(waits.at(-1)),
      note,
    };
  } finally {
    await seen.end();
    await lab.api.call('DELETE', `/api/v1/namespaces/${namespace}/pods?gracePeriodSeconds=0`);
  }
}

/** Undefined if the pod exists now. */
async function attempt(
  lab: Lab,
  namespace: string,
  name: string,
): Promise<'refused' | 'unreachable' | undefined> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  return lab.api.call('POST', path, unscheduled(name, namespace, REFERENCE)).then(
    () => undefined,
    (error: Error) => faultOf(error),
  );
}

/** A pod that nobody schedules, so that it costs the machine nothing. Without references it has no annotation. */
export function unscheduled(name: string, namespace: string, references?: string): object {
  const manifest = pod(name, namespace, { image: 'none', references: references ?? '' }) as {
    metadata: { annotations?: object };
    spec: object;
  };
  if (references === undefined) delete manifest.metadata.annotations;
  return { ...manifest, spec: { ...manifest.spec, schedulerName: 'nobody' } };
}

/** Throws what is neither the webhook's absence nor the API server's. */
function faultOf(error: Error): 'refused' | 'unreachable' | undefined {
  const { message } = error;
  // Made by an attempt whose answer was lost.
  if (/: 409 /.test(message) && message.includes('AlreadyExists')) return undefined;
  if (message.includes('failed calling webhook')) return 'refused';
  if (/: (?:400|422) /.test(message) || message.includes('denied the request')) throw error;
  return 'unreachable';
}

export const seconds = (ms = NaN): number => Math.round(ms / 10) / 100;

/** How long it takes, in seconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return seconds(performance.now() - started);
}
