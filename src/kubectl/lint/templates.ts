import {
  isObject,
  listAt,
  objectAt,
  type Json,
  type JsonObject,
  type Manifest,
  type Path,
} from './documents.ts';

/** A pod, or what pods will be made of, somewhere in a manifest. */
export interface Template {
  readonly metadata: JsonObject;
  readonly metadataPath: Path;
  readonly containers: readonly TemplateContainer[];
  /** All of them stand in the manifest; a Spark operator or a platform adds its own to others. */
  readonly whole: boolean;
  readonly nodeName: Json | undefined;
  readonly nodeNamePath: Path;
}

export interface TemplateContainer {
  readonly name: string;
  readonly value: JsonObject;
  readonly path: Path;
}

/** Where the kinds that people write have their pod templates. */
export const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  PodTemplate: ['template'],
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  Rollout: ['spec', 'template'],
  Notebook: ['spec', 'template'],
};

/** Whose pods get the annotations and labels of the object itself. */
const ANNOTATED_THEMSELVES: readonly string[] = ['Notebook'];

const SPARK: Readonly<Record<string, readonly string[]>> = {
  SparkApplication: ['spec'],
  ScheduledSparkApplication: ['spec', 'template'],
};

/** The pods that an object will become; none for kinds without any. */
export function templatesOf({ kind, value }: Manifest): Template[] {
  const path = Object.hasOwn(TEMPLATES, kind) ? TEMPLATES[kind] : undefined;
  if (path) return [podAt(value, path, ANNOTATED_THEMSELVES.includes(kind) ? [] : path)];
  const spark = sparkPath(kind);
  return spark
    ? ['driver', 'executor'].flatMap((role) => sparkPod(objectAt(value, ...spark), [...spark], role))
    : [];
}

/** Where a SparkApplication has its specification. */
export function sparkPath(kind: string): readonly string[] | undefined {
  return Object.hasOwn(SPARK, kind) ? SPARK[kind] : undefined;
}

function podAt(value: JsonObject, path: readonly string[], annotated: readonly string[]): Template {
  const spec = objectAt(value, ...path, 'spec');
  const containers = ['initContainers', 'containers'].flatMap((list) =>
    listAt(spec, list).flatMap((value, index) =>
      isObject(value) ? [container(value, [...path, 'spec', list, index])] : [],
    ),
  );
  return {
    metadata: objectAt(value, ...annotated, 'metadata'),
    metadataPath: [...annotated, 'metadata'],
    containers,
    whole: true,
    nodeName: spec['nodeName'],
    nodeNamePath: [...path, 'spec', 'nodeName'],
  };
}

/** The Spark operator's driver or executor: annotations, labels and env stand beside each other. */
function sparkPod(spec: JsonObject, path: Path, role: string): Template[] {
  if (!isObject(spec[role])) return [];
  const own = objectAt(spec, role);
  const at = [...path, role];
  return [
    {
      metadata: own,
      metadataPath: at,
      containers: [{ name: `spark-kubernetes-${role}`, value: own, path: at }],
      whole: false,
      nodeName: undefined,
      nodeNamePath: at,
    },
  ];
}

function container(value: JsonObject, path: Path): TemplateContainer {
  const name = value['name'];
  return { name: typeof name === 'string' ? name : '', value, path };
}

/** Texts of a map such as annotations or data; other values are skipped. */
export function textsOf(map: JsonObject): (readonly [name: string, text: string])[] {
  return Object.entries(map).flatMap(([name, text]) =>
    typeof text === 'string' ? [[name, text] as const] : [],
  );
}
