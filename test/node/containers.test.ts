import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until, type KubeJson } from '../support/cluster.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';

let p: Platform;
let namespace: string;
const WEIRD = ' leading\nnew line "quote" \'single\' $dollar ${x} $(Y) 🔑 back\\slash ';
beforeAll(async () => {
  p = await platform('containers');
  if (!p.cluster.nodeName) throw new Error(`no node: ${p.cluster.whyNoNode}`);
  namespace = await p.namespace('containers');
  await p.store('containers', { weird: WEIRD, plain: 'from-the-store' });
  await p.store('global', { shared: 'from-the-global-store' });
  await p.integration(
    'containers',
    { weird: WEIRD, number: 81111, deep: { a: [1, true, null] } },
    { domains: ['containers'] },
  );
  await p.k.apply(
    reference('warehouse', namespace, {
      STORE: 'KUBERNETES/containers/weird',
      GLOBAL: 'KUBERNETES/global/shared',
      VAULT: 'VAULT/containers/weird',
      NUMBER: 'VAULT/containers/number',
      DEEP: 'VAULT/containers/deep',
      PLAIN: 'KUBERNETES/containers/plain',
    }),
  );
});
afterAll(async () => p?.stop());

/**
 * What `sh` in a container prints of variables, each ended by NUL, so that nothing is lost on the way. The line is
 * ended, too: the container runtime keeps half a line to itself.
 */
const print = (...names: string[]) => [
  'sh',
  '-c',
  `${names.map((name) => `printf '%s\\0' "$${name}"`).join('; ')}; echo; sleep 3600`,
];

async function printed(in_: string, pod: string, count: number, container = 'main'): Promise<string[]> {
  return until(
    `${pod} to print`,
    async () => {
      const log = await p.k.run('logs', pod, '-n', in_, '-c', container);
      const values = log.split('\0');
      return values.length > count && values.slice(0, count);
    },
    { timeoutMs: 30_000 },
  );
}

const container = (name: string, command: string[], env: object[] = []) => ({
  name,
  image: p.cluster.image,
  imagePullPolicy: 'IfNotPresent',
  command,
  env,
});

describe('a real container', () => {
  it('prints values from its store, the global store and Vault, byte for byte', async () => {
    const names = ['STORE', 'GLOBAL', 'VAULT', 'NUMBER', 'DEEP'];
    await p.pod(namespace, 'job', 'warehouse', {
      spec: { containers: [container('main', print(...names))] },
    });
    expect(await printed(namespace, 'job', names.length)).toEqual([
      WEIRD,
      'from-the-global-store',
      WEIRD,
      '81111',
      '{"a":[1,true,null]}',
    ]);
  });

  it('sees an explicit env entry rather than ours, and can use ours in another', async () => {
    const env = [
      { name: 'PLAIN', value: 'explicit' },
      { name: 'URL', value: 'db://$(GLOBAL)@host' },
    ];
    await p.pod(namespace, 'explicit', 'warehouse', {
      spec: { containers: [container('main', print('PLAIN', 'URL'), env)] },
    });
    expect(await printed(namespace, 'explicit', 2)).toEqual(['explicit', 'db://from-the-global-store@host']);
  });

  it('gets them only if it is named, when containers are named', async () => {
    const containers = [container('main', print('PLAIN')), container('sidecar', print('PLAIN'))];
    await p.pod(namespace, 'named', 'warehouse', {
      metadata: {
        name: 'named',
        namespace,
        annotations: { 'fairlead.dev/secret-references': 'warehouse', 'fairlead.dev/containers': 'main' },
      },
      spec: { containers },
    });
    expect(await printed(namespace, 'named', 1)).toEqual(['from-the-store']);
    expect(await printed(namespace, 'named', 1, 'sidecar')).toEqual(['']);
  });

  it('prints placeholders filled, whole and inside longer values, in init containers too', async () => {
    const legacy = await p.namespace('containers', { 'fairlead.dev/legacy-placeholders': 'enabled' });
    const env = [
      { name: 'WHOLE', value: '${secrets.shared}' },
      { name: 'INSIDE', value: 'smtp://${secrets.shared}@${secrets.shared}' },
      { name: 'ESCAPED', value: '$${secrets.shared}' },
    ];
    const init = container('init', ['sh', '-c', `printf '%s\\0' "$WHOLE"; echo`], env);
    await p.pod(legacy, 'old', '', {
      spec: {
        initContainers: [init],
        containers: [container('main', print('WHOLE', 'INSIDE', 'ESCAPED'), env)],
      },
    });
    const value = 'from-the-global-store';
    // We leave `$${` alone; the kubelet makes one dollar sign of two, as in every env value.
    expect(await printed(legacy, 'old', 3)).toEqual([value, `smtp://${value}@${value}`, '${secrets.shared}']);
    expect(await printed(legacy, 'old', 1, 'init')).toEqual([value]);
  });
});

describe('a pod that waits', () => {
  it('starts when the last missing object comes, and sees a value that was rotated before it was created', async () => {
    const late = await p.namespace('late');
    await p.pod(late, 'job', 'late', { spec: { containers: [container('main', print('A'))] } });
    await p.waits(late, 'job', 'ReferenceNotFound');
    await p.store('late', { a: 'first' });
    await p.k.apply(reference('late', late, { A: 'KUBERNETES/late/a' }));
    await p.released(late, 'job');
    expect(await printed(late, 'job', 1)).toEqual(['first']);
  });

  it('sees the new value after a rotation in Vault at once when it is recreated', async () => {
    for (const round of [1, 2, 3]) {
      await p.vault.put('secret/data/containers', { weird: `round ${round}`, number: 1, deep: {} });
      await p.pod(namespace, `rotated-${round}`, 'warehouse', {
        spec: { containers: [container('main', print('VAULT'))] },
      });
      expect(await printed(namespace, `rotated-${round}`, 1)).toEqual([`round ${round}`]);
    }
  });
});

describe('a running pod', () => {
  it('does not notice that Fairlead, Vault and its reference go away', async () => {
    await p.pod(namespace, 'steady', 'warehouse', {
      spec: { containers: [container('main', print('PLAIN'))] },
    });
    await printed(namespace, 'steady', 1);
    const before = await p.getPod(namespace, 'steady');
    await p.fairlead.stop();
    await p.cluster.bao?.stop();
    await p.k.remove('secretreference', namespace, 'warehouse');
    const exec = await p.k.run('exec', 'steady', '-n', namespace, '--', 'sh', '-c', 'echo "$PLAIN"');
    expect(exec.trim()).toBe('from-the-store');
    await p.cluster.bao?.start();
    await p.fairlead.start();
    const after: KubeJson = await p.getPod(namespace, 'steady');
    expect(after.status.phase).toBe('Running');
    expect(after.status.containerStatuses).toEqual(before.status.containerStatuses);
  });

  it('loses its delivery when it is deleted, and no one else does', async () => {
    const secrets = async () =>
      (await p.k.list('secrets', namespace, '-l=fairlead.dev/delivery')).map(({ metadata }) => metadata.name);
    const delivery = (await p.getPod(namespace, 'steady')).metadata.annotations['fairlead.dev/delivered'];
    const others = (await secrets()).filter((name) => name !== delivery);
    await p.k.remove('pod', namespace, 'steady');
    await until('its delivery to be gone', async () => !(await secrets()).includes(delivery));
    expect(await secrets()).toEqual(others);
    expect(SYSTEM).toBe('fairlead-system');
  });
});
