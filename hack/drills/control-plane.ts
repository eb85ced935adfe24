import { http } from '../cluster/http.ts';
import { readPki } from '../cluster/pki.ts';
import { readState } from '../cluster/state.ts';
import { waitFor } from '../demo/ui.ts';
import type { Lab } from './lab.ts';
import { timed, underLoad, type Load, type Outcome } from './load.ts';
import { metric } from './metrics.ts';

/** What happens to API server and etcd; each resolves to what is worth saying. */
const DOES = {
  'API server restarted': async (lab: Lab) => restart(lab, 'kube-apiserver', 'stop'),
  'API server killed and started': async (lab: Lab) => restart(lab, 'kube-apiserver', 'kill'),
  'etcd restarted': async (lab: Lab) => restart(lab, 'etcd', 'stop'),
  'etcd compacted': async (lab: Lab) => {
    const before = await relists(lab);
    await compact(lab);
    return `${(await relists(lab)) - before} watches were answered with 410`;
  },
  'etcd compacted, API server restarted': async (lab: Lab) => {
    const before = await relists(lab);
    await lab.cluster.stop('kube-apiserver');
    await compact(lab);
    const down = await timed(async () => lab.cluster.start('kube-apiserver'));
    // The API server has forgotten what was before its start: whoever asks for it has to list anew.
    const forgotten = await waitFor('a watch to be told 410', async () => {
      const count = (await relists(lab)) - before;
      return count > 0 ? count : undefined;
    });
    return `ready again after ${down} s; ${forgotten} or more watches were answered with 410, and listed anew`;
  },
  '429 from priority and fairness': async (lab: Lab) => {
    const leader = await lab.leader();
    await lab.apply(...THROTTLE);
    const refused = await waitFor('some requests to be answered with 429', async () => {
      const count = await metric(leader, 'rest_client_requests_total', 'code="429"');
      return count >= 20 ? count : undefined;
    });
    return `${refused} or more requests of the leader were answered with 429`;
  },
};

export type ControlPlaneCase = keyof typeof DOES;
export const CONTROL_PLANE_CASES = Object.keys(DOES) as readonly ControlPlaneCase[];

export async function controlPlane(lab: Lab, name: ControlPlaneCase, load: Load): Promise<Outcome> {
  // So many at once that the few seats are not enough.
  const throttled = name === '429 from priority and fairness';
  const pace = throttled ? { ...load, perSecond: load.perSecond * 10 } : load;
  try {
    return await underLoad(lab, name, pace, async () => DOES[name](lab));
  } finally {
    // Only now: all pods are let go while it is in force.
    if (throttled)
      await lab.kubectl('delete', 'flowschema,prioritylevelconfiguration', THROTTLED, '--ignore-not-found');
  }
}

async function restart(lab: Lab, component: string, how: 'stop' | 'kill'): Promise<string> {
  const before = await lab.replicas.restarted();
  const down = await timed(async () => {
    await lab.cluster[how](component);
    await lab.cluster.start(component);
  });
  // A leader that cannot renew its lease for too long ends; by now that is known.
  await lab.leader(undefined, new Date());
  const ended = (await lab.replicas.restarted()) - before;
  return `ready again after ${down} s; controllers that ended meanwhile: ${ended}`;
}

/** How often watches of both controllers were answered with 410 Gone. */
async function relists(lab: Lab): Promise<number> {
  const controllers = lab.replicas.of('controller');
  const counts = controllers.map(async (one) => metric(one, 'reflector_errors_total', 'code="Gone"'));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** As an administrator would do it with etcdctl: everything before now is forgotten. */
async function compact({ cluster: { dir } }: Lab): Promise<void> {
  const state = readState(dir);
  if (!state) throw new Error('this cluster is not one of ours');
  const tls = { ca: readPki(dir, 'etcd-ca').cert, ...readPki(dir, 'apiserver-etcd-client') };
  const call = async (what: string, body: object) => {
    const answer = await http(`https://127.0.0.1:${state.ports.etcd}/v3/kv/${what}`, {
      ...{ ...tls, method: 'POST', body },
    });
    if (answer.status !== 200) throw new Error(`etcd ${what}: ${answer.status}`);
    return answer.json<{ header: { revision: string } }>();
  };
  const { header } = await call('range', { key: Buffer.from('/').toString('base64') });
  await call('compaction', { revision: header.revision, physical: true });
}

const THROTTLED = 'drill-throttled';
const FLOW = 'flowcontrol.apiserver.k8s.io/v1';
/** The smallest share there is for the controller's ServiceAccount, and whoever finds no seat is refused. */
const THROTTLE = [
  {
    apiVersion: FLOW,
    kind: 'PriorityLevelConfiguration',
    metadata: { name: THROTTLED },
    spec: {
      type: 'Limited',
      limited: {
        ...{ nominalConcurrencyShares: 1, lendablePercent: 0, borrowingLimitPercent: 0 },
        limitResponse: { type: 'Reject' },
      },
    },
  },
  {
    apiVersion: FLOW,
    kind: 'FlowSchema',
    metadata: { name: THROTTLED },
    spec: {
      matchingPrecedence: 500,
      priorityLevelConfiguration: { name: THROTTLED },
      rules: [
        {
          subjects: [
            {
              kind: 'ServiceAccount',
              serviceAccount: { name: 'fairlead-controller', namespace: 'fairlead-system' },
            },
          ],
          resourceRules: [
            {
              ...{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] },
              clusterScope: true,
            },
          ],
        },
      ],
    },
  },
];
