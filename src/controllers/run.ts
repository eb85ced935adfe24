import type { AuditLog } from '../audit/log.ts';
import { AccessReviews } from '../kube/access-review.ts';
import type { KubeClient } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import { keyOf } from '../kube/objects.ts';
import type { Clock } from '../runtime/clock.ts';
import { placeKey, placeOf } from '../resolve/place.ts';
import { runController, type ControllerOptions } from '../runtime/controller.ts';
import { WorkQueue, type QueueMetrics } from '../runtime/queue.ts';
import type { VaultSource } from '../sources/vault/source.ts';
import type { TargetOptions } from '../sources/vault/target.ts';
import { auditProblem } from './pod-gate/audit.ts';
import { reconcilePod, reportWaiting } from './pod-gate/reconcile.ts';
import { LiveReads } from './live.ts';
import type { GatedPod } from './objects.ts';
import { PodMemory } from './pod-gate/memory.ts';
import { Waits } from './pod-gate/waits.ts';
import type { PolicyGuard } from './policies.ts';
import { reconcileBundle } from './resource-bundle/reconcile.ts';
import { wireBundles } from './resource-bundle/wakeups.ts';
import { reconcileReference } from './secret-reference/reconcile.ts';
import { reconcileStorage } from './storage-config/reconcile.ts';
import { reconcileIntegration } from './vault-integration/reconcile.ts';
import { wireWakeups } from './wakeups.ts';
import type { World } from './world.ts';

export interface ControllersOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly world: World;
  readonly guard: PolicyGuard;
  readonly vault: VaultSource;
  readonly events: EventRecorder;
  readonly audit: AuditLog;
  readonly systemNamespace: string;
  readonly storePrefix: string;
  readonly allowed: TargetOptions;
  readonly workers: number;
  readonly refreshSeconds: number;
  /** The pod's ServiceAccount must hold `use`, too. */
  readonly strictUse: boolean;
  /** Placeholders in Spark configuration are served. */
  readonly legacySpark: boolean;
  /** SecretReferences are served, and not legacy placeholders alone. */
  readonly secretsV2: boolean;
  /** Where docs/ can be read. */
  readonly docsUrl?: string | undefined;
  readonly stillLeader: () => boolean;
  /** What every loop shares: log, metrics, who is told that it runs. */
  readonly loop: Pick<ControllerOptions, 'log' | 'metrics' | 'loops' | 'within'>;
  /** How long a pod has waited, and for what. */
  readonly onWaited?: (outcome: 'delivered' | 'gone', ms: number) => void;
  readonly queueMetrics?: QueueMetrics;
  readonly onQueue?: (queue: WorkQueue) => void;
}

/** Status checks must not crowd out the pods that wait. */
const STATUS_WORKERS = 4;
/** A pass asks Vault (10 s at most) and the API server a few times. */
const PASS_MS = 45_000;

/** The control loops, while this replica leads. Resolves when `signal` is aborted and all passes have ended. */
export async function runControllers(options: ControllersOptions, signal: AbortSignal): Promise<void> {
  const { clock, random, world, guard, vault, audit } = options;
  const memory = new PodMemory();
  const waits = new Waits({ pods: world.pods, clock, onEnd: options.onWaited ?? (() => {}) });
  const live = new LiveReads(options.client, clock);
  const { queueMetrics: metrics } = options;
  const groupOf = (key: string) => key.split('/', 1)[0] ?? '';
  const queue = (name: string) =>
    new WorkQueue({ name, clock, random, groupOf, ...(metrics && { metrics }) });
  const queues = {
    pods: queue('pods'),
    references: queue('secretreferences'),
    storages: queue('storageconfigs'),
    integrations: queue('vaultintegrations'),
    bundles: queue('resourcebundles'),
  };
  for (const one of Object.values(queues)) options.onQueue?.(one);
  const onVaultFailure = (id: string) => queues.integrations.add(`${options.systemNamespace}/${id}`);
  const { systemNamespace } = options;
  const reviews = new AccessReviews(options.client, clock);
  const deps = {
    ...options,
    strictUse: options.strictUse ? { reviews, systemNamespace } : undefined,
    memory,
    onDelivered: (pod: GatedPod) => waits.delivered(pod),
    live,
    onVaultFailure,
    fence: () => guard.problem() ?? auditProblem(audit),
    refreshMs: () => jitter(options, random),
  };
  const everyPod = () => {
    for (const pod of world.pods.list()) queues.pods.add(keyOf(pod), 'urgent');
  };
  const wakeups = wireWakeups(world, queues, (uid) => memory.forget(uid), options.storePrefix);
  const undo = [
    wakeups.close,
    waits.close,
    // Tokens of an integration that is gone are given back.
    world.integrations.onChange(({ type, object }) => {
      if (type === 'deleted') vault.forget(object.metadata.name);
    }),
    vault.onRecovered((id, place) => {
      const isOwn = place.path === undefined && place.version === undefined;
      if (isOwn) queues.integrations.add(`${options.systemNamespace}/${id}`, 'urgent');
      wakeups.wakePlace(placeKey(placeOf({ source: { type: 'VAULT', id }, ...place })));
    }),
    guard.onChange(() => {
      everyPod();
      for (const bundle of world.bundles.list()) queues.bundles.add(keyOf(bundle));
    }),
    wireBundles(world, options.systemNamespace, queues.bundles),
    audit.onChange(everyPod),
  ];
  everyPod();
  for (const integration of world.integrations.list()) queues.integrations.add(keyOf(integration));
  for (const reference of world.references.list()) queues.references.add(keyOf(reference));
  for (const storage of world.storages.list()) queues.storages.add(keyOf(storage));

  const { loop, stillLeader } = options;
  const common = { ...loop, clock, timeoutMs: PASS_MS, stillLeader };
  await Promise.all([
    runController(
      {
        ...common,
        name: 'pods',
        queue: queues.pods,
        workers: options.workers,
        about: (key) => {
          const { references = [], delivery } = world.pods.get(key) ?? {};
          return { pod: key, references, delivery };
        },
        reconcile: async (key, pass) => reconcilePod(key, pass, deps),
        report: async (key, outcome, pass) => reportWaiting(key, outcome, pass, deps),
      },
      signal,
    ),
    runController(
      {
        ...common,
        name: 'secretreferences',
        queue: queues.references,
        workers: STATUS_WORKERS,
        about: (key) => ({ reference: key }),
        reconcile: async (key, pass) => reconcileReference(key, pass, deps),
      },
      signal,
    ),
    runController(
      {
        ...common,
        name: 'storageconfigs',
        queue: queues.storages,
        workers: STATUS_WORKERS,
        reconcile: async (key, pass) => reconcileStorage(key, pass, deps),
      },
      signal,
    ),
    runController(
      {
        ...common,
        name: 'vaultintegrations',
        queue: queues.integrations,
        workers: STATUS_WORKERS,
        reconcile: async (key, pass) => reconcileIntegration(key, pass, deps),
      },
      signal,
    ),
    runController(
      {
        ...common,
        name: 'resourcebundles',
        queue: queues.bundles,
        workers: STATUS_WORKERS,
        // What it grants is in the audit of the API server, not in ours.
        reconcile: async (key, pass) => reconcileBundle(key, pass, { ...deps, fence: () => guard.problem() }),
      },
      signal,
    ),
  ]);
  undo.forEach((unsubscribe) => unsubscribe());
}

/** Between 80 and 120 per cent of the refresh time, so that a thousand references do not come at once. */
function jitter({ refreshSeconds }: ControllersOptions, random: () => number): number {
  return refreshSeconds * 1000 * (0.8 + 0.4 * random());
}
