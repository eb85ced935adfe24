/** A mutating webhook of somebody else's: what Kubeflow's PodDefaults, Istio and their like are to Fairlead. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createAuthority, issue } from '../../hack/cluster/pki.ts';
import { until, type Kube, type KubeJson } from './cluster.ts';

export interface PodMutator {
  /** Names of the pods that it was asked about, one for each time it was asked. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

export interface PodMutatorOptions {
  /** Of its configuration: the API server asks webhooks in the order of these names. */
  readonly name: string;
  /** Whose pods it is asked about. */
  readonly namespace: string;
  /** Changes the pod in place. */
  readonly mutate: (pod: KubeJson) => void;
  readonly reinvocationPolicy?: 'Never' | 'IfNeeded';
}

/** Serves it, and tells the API server; resolves when that knows of it. `stop()` takes both back. */
export async function podMutator(k: Kube, options: PodMutatorOptions): Promise<PodMutator> {
  const { name, namespace, mutate, reinvocationPolicy = 'IfNeeded' } = options;
  const { hostAddress } = k.cluster;
  const authority = await createAuthority(name);
  const { cert, key } = await issue(authority, { commonName: name, usage: ['server'], ips: [hostAddress] });
  const asked: string[] = [];
  const server = createServer({ cert, key }, (request, response) => {
    void text(request).then((body) => {
      const { uid, object } = JSON.parse(body).request;
      asked.push(object.metadata.name ?? '');
      const pod = structuredClone(object);
      mutate(pod);
      const patch = ['metadata', 'spec'].map((field) => ({
        op: 'replace',
        path: `/${field}`,
        value: pod[field],
      }));
      const answer = { uid, allowed: true, patchType: 'JSONPatch', patch: encoded(patch) };
      const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(review));
    });
  });
  server.listen(0, hostAddress);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await k.apply({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: 'pods.example.com',
        clientConfig: { url: `https://${hostAddress}:${port}/`, caBundle: encoded(authority.cert) },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        reinvocationPolicy,
      },
    ],
  });
  const probe = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'probe-', namespace },
    spec: PROBE,
  };
  await until(`${name} to be asked`, async () => {
    // Whether the pod would be taken is not the question.
    await k.both(['create', '--dry-run=server', '-f', '-'], probe).catch(() => undefined);
    return asked.length > 0;
  });
  return {
    asked,
    stop: async () => {
      await k.run('delete', 'mutatingwebhookconfiguration', name);
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const PROBE = { containers: [{ name: 'main', image: 'probe' }] };

const encoded = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
