import { copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectl } from '../../hack/install.ts';
import { scratch, until, type KubeJson } from '../support/cluster.ts';
import { platform, type Platform } from '../support/platform.ts';
import { installPlugin, type Plugin } from '../support/plugin.ts';

const FIXTURES = new URL('../fixtures/migrate/', import.meta.url).pathname;
const GLOBAL = {
  db_password: 'v4lue d$b',
  read_only: 'v4lue-ro',
  read_write: 'v4lue-rw',
  smtp: 'v4lue $(HOME)',
  path: '/v4lue',
  twice: 'v4lue-2',
  file: 'v4lue.txt',
};

let p: Platform;
let plugin: Plugin;
let dir: string;
let legacy: string;
let normal: string;

beforeAll(async () => {
  p = await platform('migrate');
  dir = await scratch('migrate-files');
  plugin = await installPlugin(p.cluster, dir);
  await p.store('global', GLOBAL);
  legacy = await p.namespace('marketing', { 'fairlead.dev/legacy-placeholders': 'enabled' });
  normal = await p.namespace('marketing');
});
afterAll(async () => {
  await p?.stop();
  if (dir) await rm(dir, { recursive: true, force: true });
});

const apply = async (namespace: string, file: string) =>
  kubectl(p.cluster, ['apply', '-n', namespace, '-f', join(dir, file)]);

/** What the workload's pod got, container by container, once it was let go. */
async function environments(namespace: string, app: string): Promise<Record<string, object>> {
  const pod = await until(`the pod of ${app}`, async () =>
    (await p.k.list('pods', namespace)).find(({ metadata }) => metadata.labels?.app === app),
  );
  const released = await p.released(namespace, pod.metadata.name);
  const data = await p.delivered(namespace, pod.metadata.name);
  const { initContainers = [], containers } = released.spec;
  return Object.fromEntries(
    [...initContainers, ...containers].map((one: KubeJson) => [one.name, environment(one, data)]),
  );
}

/** As the kubelet puts it together: envFrom, then env in its order, with `$(NAME)` of what is known by then. */
function environment(container: KubeJson, data: Record<string, string>): Record<string, string> {
  const delivered = (container.envFrom ?? []).some(({ secretRef }: KubeJson) =>
    secretRef?.name.startsWith('fairlead-d-'),
  );
  const known = new Map(delivered ? Object.entries(data) : []);
  for (const { name, value = '', valueFrom } of container.env ?? []) {
    const ref = valueFrom?.secretKeyRef;
    if (ref && !ref.name.startsWith('fairlead-d-')) continue;
    const expand = (text: string) =>
      text.replaceAll(/\$\$|\$\(([-._a-zA-Z0-9]+)\)/g, (match: string, of?: string) =>
        of === undefined ? '$' : (known.get(of) ?? match),
      );
    known.set(name, ref ? (data[ref.key] ?? '') : expand(value));
  }
  return Object.fromEntries(known);
}

/** The variables that the manifest of before sets: what else the generations need for themselves is their own affair. */
function named(before: KubeJson, environment: Record<string, object>): Record<string, object> {
  const { initContainers = [], containers } = before.spec.template.spec;
  return Object.fromEntries(
    [...initContainers, ...containers].map(({ name, env = [] }: KubeJson) => [
      name,
      Object.fromEntries(
        env
          .filter(({ valueFrom }: KubeJson) => !valueFrom)
          .map((one: KubeJson) => [one.name, (environment[name] as Record<string, string>)[one.name]]),
      ),
    ]),
  );
}

describe.each([
  [
    'docs-deployment',
    'deployment',
    'api',
    {
      main: {
        LOG_LEVEL: 'info',
        DB_PASSWORD: GLOBAL.db_password,
        DB_URL: `postgres://api:${GLOBAL.db_password}@db.example.com/sales`,
      },
      proxy: {},
    },
  ],
  [
    'init-containers',
    'statefulset',
    'ledger',
    {
      wait: { PASSWORD: GLOBAL.read_only },
      main: {
        PASSWORD: GLOBAL.read_write,
        'spring.mail.password': GLOBAL.smtp,
        PATH: GLOBAL.path,
        TWICE: GLOBAL.twice,
        TEXT: '${secrets.text}',
        SHELL_TEXT: `$(cat ${GLOBAL.file})`,
      },
    },
  ],
])('%s', (fixture, kind, app, wanted) => {
  const file = `${app}.yaml`;

  it('has the same variables with the same values before and after', async () => {
    await copyFile(join(FIXTURES, fixture, 'before.yaml'), join(dir, file));
    await apply(legacy, file);
    const before = await p.k.get(kind, legacy, app);
    expect(named(before, await environments(legacy, app))).toEqual(wanted);

    const { code, out, err } = await plugin(['migrate-placeholders', '--write', join(dir, file)]);
    expect([code, err]).toEqual([0, expect.stringContaining('0 left')]);
    expect(out).toContain(`written: ${join(dir, file)}`);

    await apply(normal, `${app}.secretreference.yaml`);
    await p.k.run('wait', '-n', normal, '--for=condition=Ready', `sref/${app}`, '--timeout=30s');
    await apply(normal, file);
    expect(named(before, await environments(normal, app))).toEqual(wanted);
  });

  it('is found in the cluster before, and no more after', async () => {
    const check = async (namespace: string) => {
      const stdin = await kubectl(p.cluster, ['get', `${kind}s`, '-n', namespace, '-o', 'json']);
      return plugin(['migrate-placeholders', '-'], { stdin });
    };
    expect(await check(legacy)).toMatchObject({ code: 1, out: expect.stringContaining('of container main') });
    expect(await check(normal)).toMatchObject({ code: 0, out: '' });
  });
});

it('a container without a placeholder gets nothing, as before', async () => {
  expect((await environments(legacy, 'api'))['proxy']).toEqual({});
  expect((await environments(normal, 'api'))['proxy']).toEqual({});
});

it('no value is in a file', async () => {
  for (const file of ['api.yaml', 'api.secretreference.yaml', 'ledger.yaml', 'ledger.secretreference.yaml'])
    expect(await readFile(join(dir, file), 'utf8')).not.toContain('v4lue');
});
