import { ClusterError } from '../../hack/cluster/errors.ts';
import { until } from '../../hack/cluster/wait.ts';
import type { KubeJson } from '../support/cluster.ts';
import type { Bench } from './bench.ts';

/** Where a JVM that starts beside others on two cores may take its time. */
const POD_MS = 540_000;

export async function getPod(b: Bench, namespace: string, name: string): Promise<KubeJson> {
  const answer = await b.admin(`/api/v1/namespaces/${namespace}/pods/${name}`);
  return answer.status === 200 ? answer.json() : undefined;
}

export async function listPods(b: Bench, namespace: string, selector: string): Promise<KubeJson[]> {
  const url = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
  return (await b.admin(url)).json<{ items: KubeJson[] | null }>().items ?? [];
}

export async function logOf(b: Bench, namespace: string, name: string): Promise<string> {
  const answer = await b.admin(`/api/v1/namespaces/${namespace}/pods/${name}/log`);
  return answer.status === 200 ? answer.text : '';
}

/** The pod, once `is` says so; when it does not in time, the error says how the pod is and what it printed last. */
export async function podWhen(
  b: Bench,
  namespace: string,
  name: string,
  is: (pod: KubeJson) => boolean,
  { what = 'as it should be', timeoutMs = POD_MS } = {},
): Promise<KubeJson> {
  let seen: KubeJson;
  const options = { what: `the pod ${namespace}/${name} is not ${what}`, timeoutMs, intervalMs: 100 };
  try {
    return await until(options, async () => {
      seen = await getPod(b, namespace, name);
      return seen !== undefined && is(seen) && seen;
    });
  } catch (error) {
    const log = (await logOf(b, namespace, name)).split('\n').slice(-30).join('\n');
    const state = JSON.stringify(seen?.status?.containerStatuses ?? seen?.status ?? 'no pod');
    throw new Error(`${options.what}\n${state}\n${log}`, { cause: error });
  }
}

/** The pod, once it has ended, well or not. */
export async function podEnded(
  b: Bench,
  namespace: string,
  name: string,
  timeoutMs = POD_MS,
): Promise<KubeJson> {
  const ended = (pod: KubeJson) => ['Succeeded', 'Failed'].includes(pod.status.phase);
  return podWhen(b, namespace, name, ended, { what: 'at its end', timeoutMs });
}

/** The log of a pod that runs, once it has this text; an error if the pod ends without. */
export async function logWith(b: Bench, namespace: string, name: string, text: string): Promise<string> {
  const options = { what: `${namespace}/${name} does not print ${text}`, timeoutMs: POD_MS, intervalMs: 200 };
  return until(options, async () => {
    // The phase first: what the pod has printed by its end is in the log that is read after.
    const pod = await getPod(b, namespace, name);
    const log = await logOf(b, namespace, name);
    if (log.includes(text)) return log;
    if (!['Succeeded', 'Failed'].includes(pod?.status.phase)) return false;
    throw new ClusterError(
      'BAD_STATE',
      `it ended without ${text}:\n${log.split('\n').slice(-60).join('\n')}`,
    );
  });
}
