import { z } from 'zod';
import { FAIRLEAD_PROPERTIES, SPARK_PROPERTIES } from '../api/names.ts';
import { quoted } from './annotations.ts';
import type { PatchOperation } from './json-patch.ts';
import type { Mutation } from './review.ts';
import { takePlaceholders } from './spark-conf.ts';

/** The part of a ConfigMap that admission reads. */
const shape = z.object({
  metadata: z.object({
    ownerReferences: z.array(z.object({ apiVersion: z.string(), kind: z.string() })).nullish(),
  }),
  immutable: z.boolean().nullish(),
  data: z.record(z.string(), z.string()).nullish(),
});

/**
 * Moves the properties with placeholders of a driver's ConfigMap out of Spark's sight. Only of one as spark-submit makes
 * it: immutable and owned by a pod, for the controller reads no other. Called again it finds nothing more to move.
 */
export function mutateConfigMap(object: unknown): Mutation {
  const parsed = shape.safeParse(object);
  if (!parsed.success) return { kind: 'denied', message: 'the object is not a ConfigMap' };
  const { data, immutable, metadata } = parsed.data;
  const isOwned = metadata.ownerReferences?.some(
    ({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'Pod',
  );
  const properties = data && Object.hasOwn(data, SPARK_PROPERTIES) ? data[SPARK_PROPERTIES] : undefined;
  if (!data || properties === undefined || !immutable || !isOwned) return { kind: 'unchanged', warnings: [] };
  const { kept, taken, left } = takePlaceholders(properties);
  const warnings = left
    .filter((property) => !isServedInPod(property))
    .slice(0, 5)
    .map(warning);
  if (taken === '') return { kind: 'unchanged', warnings };
  const before = Object.hasOwn(data, FAIRLEAD_PROPERTIES) ? (data[FAIRLEAD_PROPERTIES] ?? '') : '';
  const patch: PatchOperation[] = [
    { op: 'add', path: `/data/${SPARK_PROPERTIES}`, value: kept },
    { op: 'add', path: `/data/${FAIRLEAD_PROPERTIES}`, value: before + taken },
  ];
  return { kind: 'patched', patch, warnings };
}

/** spark-submit has written it into the env of the driver already, where the placeholder is served. */
function isServedInPod(property: string): boolean {
  return property.startsWith('spark.kubernetes.driverEnv.');
}

function warning(property: string): string {
  return `${quoted(property)} keeps its placeholder: no secret may become the value of this property`;
}
