import { request, Agent } from 'undici';
import { pod } from '../demo/objects.ts';
import { bareClient, inParallel } from './bare-client.ts';
import { NAMESPACE, pathOf, SCOPED, type Bench } from './prepare.ts';

const WIDTH = 32;
const GATE = 'bench.example/gate';

export interface Floors {
  readonly 'own-path': number;
  readonly 'scoped-tokens': number;
  readonly 'shared-path': number;
}

/**
 * Seconds that a bare client needs for what Fairlead does for each pod. In `own-path` it reads Vault once for each
 * pod, in `scoped-tokens` with a child token that it makes for the one read, and in `shared-path` once for all.
 * Creating the pods is not part of it.
 */
export async function floor({ cluster, pods, vault, proxy, say }: Bench): Promise<Floors> {
  const api = await bareClient(cluster.kubeconfig);
  const agent = new Agent({ connections: WIDTH });
  const { auth } = await vault.call<{ auth: { client_token: string } }>('POST', 'auth/token/create', {
    policies: ['bench', 'bench-tokens'],
  });
  const child = async (): Promise<string> => {
    const answer = await request(`${proxy.address}/v1/auth/token/create`, {
      dispatcher: agent,
      method: 'POST',
      headers: { 'X-Vault-Token': auth.client_token },
      body: JSON.stringify({ ...SCOPED, num_uses: 1, no_default_policy: true }),
    });
    return ((await answer.body.json()) as { auth: { client_token: string } }).auth.client_token;
  };
  const read = async (i: number, token = auth.client_token): Promise<string> => {
    const answer = await request(`${proxy.address}/v1/${pathOf(i)}`, {
      dispatcher: agent,
      headers: { 'X-Vault-Token': token },
    });
    const { data } = (await answer.body.json()) as { data: { data: { password: string } } };
    return data.data.password;
  };
  const run = async (scenario: keyof Floors): Promise<number> => {
    const created = [] as { metadata: { name: string; uid: string } }[];
    await inParallel(pods, WIDTH, async (i) => {
      const bare = pod(`pod-${i}`, NAMESPACE.floor, { image: 'none', references: '' }) as {
        metadata: { annotations?: object };
        spec: object;
      };
      delete bare.metadata.annotations;
      Object.assign(bare.spec, { schedulingGates: [{ name: GATE }] });
      created[i] = (await api.call(
        'POST',
        `/api/v1/namespaces/${NAMESPACE.floor}/pods`,
        bare,
      )) as (typeof created)[number];
    });
    const started = performance.now();
    const once = scenario === 'shared-path' ? await read(0) : undefined;
    await inParallel(pods, WIDTH, async (i) => {
      const value = once ?? (await read(i, scenario === 'scoped-tokens' ? await child() : undefined));
      const { name, uid } = created[i]!.metadata;
      await api.call('POST', `/api/v1/namespaces/${NAMESPACE.floor}/secrets`, secretFor(name, uid, value));
      const lift = { metadata: { uid }, spec: { schedulingGates: [{ name: GATE, $patch: 'delete' }] } };
      await api.call(
        'PATCH',
        `/api/v1/namespaces/${NAMESPACE.floor}/pods/${name}`,
        lift,
        'application/strategic-merge-patch+json',
      );
    });
    const seconds = (performance.now() - started) / 1000;
    for (const kind of ['pods', 'secrets']) {
      await api.call('DELETE', `/api/v1/namespaces/${NAMESPACE.floor}/${kind}?gracePeriodSeconds=0`);
    }
    return seconds;
  };
  const floors = {
    'own-path': await run('own-path'),
    'scoped-tokens': await run('scoped-tokens'),
    'shared-path': await run('shared-path'),
  };
  const seconds = Object.entries(floors).map(([scenario, took]) => `${scenario} ${took.toFixed(2)} s`);
  say(`    ${seconds.join(', ')}`);
  await Promise.all([api.close(), agent.close()]);
  return floors;
}

export function secretFor(pod: string, uid: string, value: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    immutable: true,
    metadata: { name: `for-${pod}`, ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: pod, uid }] },
    data: { PASSWORD: Buffer.from(value).toString('base64') },
  };
}
