import { SPARK_CONF_VOLUME, SPARK_ROLE_LABEL } from '../api/names.ts';
import { allContainers, type Container, type Pod } from './pod-shape.ts';

/** What a pod is to Spark. The label is Spark's own; nothing here proves that Spark made the pod. */
function role({ metadata: { labels } }: Pod): string | undefined {
  return labels && Object.hasOwn(labels, SPARK_ROLE_LABEL) ? labels[SPARK_ROLE_LABEL] : undefined;
}

export function isDriver(pod: Pod): boolean {
  return role(pod) === 'driver';
}

/** With the driver as its owner, as Spark makes them in cluster mode and from a pod in client mode. */
export function isExecutor(pod: Pod): boolean {
  const owners = pod.metadata.ownerReferences ?? [];
  return (
    role(pod) === 'executor' && owners.some(({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'Pod')
  );
}

/** The ConfigMap with the Spark configuration of a driver that spark-submit made in cluster mode. */
export function sparkConfigMap(pod: Pod): string | undefined {
  if (!isDriver(pod) || !allContainers(pod).some(readsSparkConf)) return undefined;
  const volume = pod.spec.volumes?.find(({ name }) => name === SPARK_CONF_VOLUME);
  return volume?.configMap?.name ?? undefined;
}

/** The container of a driver that Spark runs in. */
export function readsSparkConf({ volumeMounts }: Container): boolean {
  return volumeMounts?.some(({ name }) => name === SPARK_CONF_VOLUME) ?? false;
}
