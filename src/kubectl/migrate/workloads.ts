import type { Document, YAMLMap } from 'yaml';
import { TEMPLATES, sparkPath } from '../lint/templates.ts';
import { annotate, annotateConf, DRIVER_ANNOTATION, limitContainers, mapUnder, namedIn } from './annotate.ts';
import type { Context } from './context.ts';
import { migrateEnv, type EnvOwner } from './env.ts';
import { child, dropIfEmpty, mapIn, seqIn, textIn } from './nodes.ts';
import { isPayload, payloadAsks, migratePayload } from './payload.ts';
import { migrateProperties } from './properties.ts';
import { listedNames } from '../../admission/annotations.ts';
import { STORAGE_ANNOTATION } from '../../api/names.ts';

/** Something in a document whose pods get secrets. */
export interface Workload {
  /** Empty: it has none. */
  readonly name: string;
  readonly kind: string;
  readonly namespace: string;
  /** The references that it names already. */
  readonly asks: readonly string[];
  /** Moves what can be moved, and names the reference of the context where something went. */
  readonly migrate: (context: Context) => void;
}

/** What an object of a file is; undefined for one without pods. */
export function workloadOf(document: Document, object: YAMLMap): Workload | undefined {
  const kind = textIn(object, 'kind');
  const apiVersion = textIn(object, 'apiVersion');
  if (kind === undefined || apiVersion === undefined) return payload(document, object);
  const about = {
    name: textIn(object, 'metadata', 'name') ?? '',
    kind,
    namespace: textIn(object, 'metadata', 'namespace') ?? '',
  };
  const path = sparkPath(kind);
  if (path) {
    const spec = mapIn(object, ...path);
    if (!spec) return undefined;
    return { ...about, ...(apiVersion.startsWith('spark.apache.org/') ? apache : kubeflow)(document, spec) };
  }
  const template = Object.hasOwn(TEMPLATES, kind) ? (TEMPLATES[kind] ?? []) : undefined;
  const pod = template && (template.length === 0 ? object : mapIn(object, ...template));
  return pod && { ...about, ...podTemplate(document, pod) };
}

type Doing = Pick<Workload, 'asks' | 'migrate'>;

function payload(document: Document, object: YAMLMap): Workload | undefined {
  if (!isPayload(object)) return undefined;
  const inline = mapIn(object, 'template');
  const template = inline && mapIn(inline, 'spec') ? podTemplate(document, inline) : undefined;
  return {
    name: textIn(object, 'name') ?? textIn(object, 'metadata', 'name') ?? '',
    kind: 'payload',
    namespace: textIn(object, 'namespace') ?? '',
    asks: [...payloadAsks(object), ...(template?.asks ?? [])],
    migrate: (context) => {
      migratePayload(document, object, context);
      template?.migrate(context);
    },
  };
}

function podTemplate(document: Document, pod: YAMLMap): Doing {
  return {
    asks: namedIn(child(pod, 'metadata', 'annotations')),
    migrate: (context) => {
      const owners = containersOf(pod);
      const needing = migrateEnv(owners, context);
      if (needing.size === 0) return;
      const metadata = mapUnder(document, pod, 'metadata');
      const names = (of: Iterable<EnvOwner>) => [...of].map(({ node }) => textIn(node, 'name') ?? '');
      const annotations = child(metadata, 'annotations');
      const had = namedIn(annotations).length > 0 || textIn(annotations, STORAGE_ANNOTATION) !== undefined;
      annotate(document, metadata, context.draft.name);
      limitContainers(document, metadata, { needing: names(needing), all: names(owners), had });
    },
  };
}

function containersOf(pod: YAMLMap, expands = true): EnvOwner[] {
  return ['initContainers', 'containers'].flatMap((field) =>
    (seqIn(pod, 'spec', field)?.items ?? []).flatMap((item) => {
      const node = mapIn(item);
      return node ? { node, label: `container ${textIn(node, 'name') ?? '?'}`, field: 'env', expands } : [];
    }),
  );
}

/** sparkoperator.k8s.io: driver and executor have env lists and annotations of their own. */
function kubeflow(document: Document, spec: YAMLMap): Doing {
  return {
    asks: namedIn(child(spec, 'driver', 'annotations')),
    migrate: (context) => {
      // Where Spark puts the variables of executors no order is promised, which `$(NAME)` would need.
      const owners = (['driver', 'executor'] as const).flatMap((role): EnvOwner[] => {
        const node = mapIn(spec, role);
        const own = (field: string, expands: boolean) => (node ? { node, label: role, field, expands } : []);
        return [own('env', role === 'driver'), own('envVars', false)].flat();
      });
      const needing = migrateEnv(owners, context);
      const conf = migrateProperties(child(spec, 'sparkConf'), '', context);
      const hadoop = migrateProperties(child(spec, 'hadoopConf'), 'spark.hadoop.', context);
      if (conf) dropIfEmpty(spec, 'sparkConf');
      if (hadoop) dropIfEmpty(spec, 'hadoopConf');
      if (needing.size > 0 || conf || hadoop)
        annotate(document, mapUnder(document, spec, 'driver'), context.draft.name);
    },
  };
}

/** spark.apache.org: all is Spark configuration, beside templates for the pods. */
function apache(document: Document, spec: YAMLMap): Doing {
  const template = (role: string) => mapIn(spec, `${role}Spec`, 'podTemplateSpec');
  return {
    asks: [
      ...listedNames(textIn(spec, 'sparkConf', DRIVER_ANNOTATION) ?? ''),
      ...namedIn(child(template('driver'), 'metadata', 'annotations')),
    ],
    migrate: (context) => {
      const owners = (['driver', 'executor'] as const).flatMap((role) => {
        const pod = template(role);
        return pod ? containersOf(pod, role === 'driver') : [];
      });
      const needing = migrateEnv(owners, context);
      const conf = migrateProperties(child(spec, 'sparkConf'), '', context);
      if (needing.size > 0 || conf) annotateConf(document, spec, 'sparkConf', context.draft.name);
    },
  };
}
