import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../demo/ui.ts';
import { REFERENCE, type Lab } from './lab.ts';
import { seconds, unscheduled } from './load.ts';

interface Row {
  readonly case: string;
  readonly meanwhile: string;
  /** From the moment in which Fairlead was ready again. */
  readonly pod_after_s: number | string;
  readonly delivered_after_s: number | string;
}

interface Pod {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
}

/** What makes the pods of these objects tries it again and again: the longer it was refused, the later. */
const PATIENCE = { timeoutMs: 600_000 };

/** Nothing of Fairlead runs for so long; workloads that were created at the beginning are watched afterwards. */
export async function downtime(lab: Lab, secondsDown: number): Promise<Row[]> {
  const namespace = await lab.namespace();
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const before = 'waits since before';
  // Made while admission was up, held because there was no controller any more.
  for (const one of lab.replicas.of('controller')) await lab.replicas.stop(one);
  await lab.api.call('POST', path, unscheduled(name(before), namespace, REFERENCE));
  for (const one of lab.replicas.of('admission')) await lab.replicas.stop(one);
  await lab.fairlead.process('certificates').stop();

  await lab.apply(...WORKLOADS.map((kind) => workload(kind, namespace)));
  const bare = await lab.api.call('POST', path, unscheduled('bare', namespace, REFERENCE)).then(
    () => 'created',
    (error: Error) => (error.message.includes('failed calling webhook') ? 'refused' : error.message),
  );
  await lab.api.call('POST', path, unscheduled('unrelated', namespace));
  await delay(secondsDown * 1000);
  const meanwhile = await pods(lab, path);

  await lab.fairlead.startRole('certificates');
  await Promise.all([
    ...['admission', 'admission'].map(async () => lab.replicas.add('admission')),
    lab.replicas.add('controller'),
  ]);
  await lab.replicas.add('controller');
  const up = performance.now();
  const since = () => seconds(performance.now() - up);

  const follow = async (what: string): Promise<Row> => {
    const prefix = name(what);
    const find = async (good: (pod: Pod) => boolean) =>
      waitFor(
        `a pod of the ${what}`,
        async () => (await pods(lab, path)).find((pod) => pod.metadata.name.startsWith(prefix) && good(pod)),
        PATIENCE,
      );
    const existed = meanwhile.some((pod) => pod.metadata.name.startsWith(prefix));
    await find(() => true);
    const created = existed ? 'there before' : since();
    await find(({ metadata }) => metadata.annotations?.['fairlead.dev/delivered'] !== undefined);
    const said = existed ? 'held by the gate' : 'its pods are refused';
    return { case: what, meanwhile: said, pod_after_s: created, delivered_after_s: since() };
  };
  const rows = await Promise.all([before, ...WORKLOADS].map(follow));
  const came = (await pods(lab, path)).some(({ metadata }) => metadata.name === 'bare');
  const when = came ? 'at some time' : 'never';
  return [
    ...rows,
    { case: 'bare pod', meanwhile: bare, pod_after_s: when, delivered_after_s: when },
    {
      case: 'pod without our annotation',
      meanwhile: 'created',
      pod_after_s: 'there before',
      delivered_after_s: '',
    },
  ];
}

const WORKLOADS = ['Deployment', 'StatefulSet', 'Job'] as const;
type Workload = (typeof WORKLOADS)[number];
const name = (what: string): string => what.toLowerCase().replaceAll(' ', '-');

async function pods(lab: Lab, path: string): Promise<readonly Pod[]> {
  return ((await lab.api.call('GET', path)) as { items: readonly Pod[] }).items;
}

function workload(kind: Workload, namespace: string): object {
  const { metadata, spec } = unscheduled('template', namespace, REFERENCE) as {
    metadata: { annotations: object };
    spec: object;
  };
  const labels = { app: name(kind) };
  const restartPolicy = kind === 'Job' ? 'Never' : 'Always';
  const template = {
    metadata: { labels, annotations: metadata.annotations },
    spec: { ...spec, restartPolicy },
  };
  const selector = { matchLabels: labels };
  const own = {
    Deployment: { replicas: 1, selector },
    StatefulSet: { replicas: 1, selector, serviceName: name(kind) },
    Job: {},
  }[kind];
  const apiVersion = kind === 'Job' ? 'batch/v1' : 'apps/v1';
  return { apiVersion, kind, metadata: { name: name(kind), namespace }, spec: { ...own, template } };
}
