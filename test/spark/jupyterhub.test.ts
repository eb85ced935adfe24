import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until, type KubeJson } from '../support/cluster.ts';
import { platform, reference, type Platform } from '../support/platform.ts';
import { bench, type Bench } from './bench.ts';
import { HUB, podGone, serverPod, startHub, type Hub, type Progress } from './hub.ts';
import { getPod, logOf } from './pods.ts';
import { resultIn } from './submit.ts';

/**
 * A real JupyterHub, KubeSpawner and single-user server. Everything goes by the hub's API, as a browser would use it;
 * only the proxy in front of the hub is left out (hub_config.py). The tests follow one user through a day.
 */
const USER = 'ada';
const POD = serverPod(USER);
const PROPERTY = 'spark.hadoop.fs.s3a.secret.key';
const FIRST = 'v4lue-first "quoted" $HOME';
const ROTATED = "v4lue-rotated 'with' \\ more";
const S3_KEY = 'v4lue-s3+/= $(DB_PASSWORD)';
const MISSING =
  'DB_PASSWORD from KUBERNETES/jupyterhub key db_password: Secret fairlead-system/iomete-secret-store-jupyterhub has no such key';

const salt = randomBytes(16).toString('hex');
const hashed = (value: string): string =>
  createHash('sha256')
    .update(salt + value)
    .digest('hex');
/** All that was shown to the user. */
const shown: string[] = [];

let p: Platform;
let b: Bench;
let namespace: string;
let hub: Hub;
beforeAll(async () => {
  p = await platform('jupyterhub');
  b = await bench('jupyterhub');
  namespace = await p.namespace('jupyterhub');
  await p.store('jupyterhub', { s3_key: S3_KEY });
  const warehouse = reference('warehouse', namespace, { DB_PASSWORD: 'KUBERNETES/jupyterhub/db_password' });
  const secret = { key: 's3_key', source: { type: 'KUBERNETES', id: 'jupyterhub' } };
  const lake = structuredClone(warehouse) as KubeJson;
  lake.metadata.name = 'lake';
  lake.spec.sparkConf = [{ name: PROPERTY, secret }];
  await p.k.apply(warehouse, lake);
  hub = await startHub(b, namespace, salt);
});
afterAll(async () => {
  await p?.stop();
  await b?.stop();
});

/** What the user is shown next that `is` says is the one; the server's end if it does not come. */
async function next(progress: AsyncGenerator<Progress>, is: (one: Progress) => boolean): Promise<Progress> {
  for (;;) {
    const { value, done } = await progress.next();
    if (done === true) throw new Error(`the progress ended:\n${shown.join('\n')}`);
    shown.push(JSON.stringify(value));
    if (is(value) || value.ready === true || value.failed === true) return value;
  }
}
const warned = ({ raw_event }: Progress) => raw_event?.type === 'Warning';
const ended = ({ ready, failed }: Progress) => ready === true || failed === true;

interface Seen {
  readonly seen: Readonly<Record<string, string | null>>;
  readonly conf: Readonly<Record<string, string | null>>;
}

const printed = async (): Promise<Seen> =>
  until(`${POD} to print`, async () => resultIn<Seen>(await logOf(b, namespace, POD)), {
    timeoutMs: 240_000,
  });

/** A line of the page without the time that it begins with; nothing else is on it. */
const line = ({ message }: Progress): string => message.replace(/^\S+ /, '');

describe('a spawn whose secret is not there', () => {
  it('fails when the start_timeout is over, after the user was told why, and leaves no pod', async () => {
    await hub.start(USER, { patience: 15 });
    const progress = hub.progress(USER);
    expect(line(await next(progress, warned))).toBe(`[Warning] ${MISSING}`);
    // The hub itself does not know why; which of its two clocks ends first decides whether it says anything.
    const end = await next(progress, ended);
    expect(end.failed).toBe(true);
    expect(end.message).toMatch(/^Spawn failed: (pod \S+ did not start in 15 seconds!)?$/);
    await podGone(b, namespace, POD);
    expect(await hub.ready(USER)).toBe(false);
  });

  it('waits, started later with more patience, with the reason as an event of this very pod', async () => {
    await hub.start(USER);
    const progress = hub.progress(USER);
    const warning = await next(progress, warned);
    expect(line(warning)).toBe(`[Warning] ${MISSING}`);
    const pod = await getPod(b, namespace, POD);
    expect(warning.raw_event).toMatchObject({
      reason: 'KeyNotFound',
      involvedObject: { kind: 'Pod', name: POD, uid: pod.metadata.uid },
    });
    expect(pod.spec.schedulingGates).toEqual([{ name: 'fairlead.dev/secrets' }]);

    // Put there, it goes on by itself.
    await p.store('jupyterhub', { db_password: FIRST, s3_key: S3_KEY });
    const delivered = await next(progress, ({ raw_event }) => raw_event?.reason === 'SecretsDelivered');
    expect(line(delivered)).toMatch(/^\[Normal\] 1 variable from KUBERNETES\/jupyterhub/);
    expect(await next(progress, ended)).toMatchObject({ ready: true });
    expect(await hub.ready(USER)).toBe(true);
    expect((await printed()).seen).toEqual({ DB_PASSWORD: hashed(FIRST) });
  });
});

describe('a server that is stopped, and started after the secret was rotated', () => {
  it('has the new value, and PySpark in it has spec.sparkConf by the environment alone', async () => {
    await hub.stop(USER);
    await p.store('jupyterhub', { db_password: ROTATED, s3_key: S3_KEY });
    await hub.start(USER, { profile: 'lake' });
    expect(await next(hub.progress(USER), ended)).toMatchObject({ ready: true });
    const { seen, conf } = await printed();
    expect(seen).toEqual({ DB_PASSWORD: hashed(ROTATED), [PROPERTY]: hashed(S3_KEY) });
    expect(conf[PROPERTY]).toMatch(/^\$\{env\.FAIRLEAD_CONF_\w+\}$/);
  });

  it('showed no value: not in the progress, the logs of hub and server, the pod and its events', async () => {
    const texts = [
      ...shown,
      await logOf(b, namespace, HUB),
      await logOf(b, namespace, POD),
      JSON.stringify(await getPod(b, namespace, POD)),
      JSON.stringify(await p.k.list('events', namespace)),
      await p.logs(),
    ];
    for (const text of texts) {
      expect(text).not.toBe('');
      expect(text).not.toContain('v4lue');
    }
  });
});
