import { describe, expect, it } from 'vitest';
import type { VaultIntegrationSpec } from '../api/vault-integration.ts';
import type { KubeObject } from '../kube/objects.ts';
import {
  caConfigMap,
  custom,
  gatedPod,
  namedBy,
  serviceAccount,
  storageWithoutKeys,
  type Bundle,
} from './objects.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----';
const metadata = { name: 'a', namespace: 'sys', uid: 'u', resourceVersion: '1', labels: { x: 'y' } };

describe('what a cache keeps', () => {
  it('of a ConfigMap is what holds certificates', () => {
    const raw = { metadata, data: { 'ca.crt': PEM, 'app.conf': 'password=planted' } } as KubeObject;
    expect(caConfigMap(raw).data).toEqual({ 'ca.crt': PEM });
    expect(caConfigMap({ metadata }).data).toEqual({});
  });

  it.each([
    ['the one that it names', { containers: [], serviceAccountName: 'spark' }, 'spark'],
    ['default, if it names none', { containers: [] }, 'default'],
  ])('of a pod is its ServiceAccount: %s', (_, spec, expected) => {
    expect(gatedPod({ metadata, spec } as KubeObject, 0).serviceAccount).toBe(expected);
  });

  it('of a pod is what Spark has to do with it', () => {
    const env = [{ name: 'SPARK_SUBMIT_OPTS', value: '-Da=b $(FAIRLEAD_SPARK_OPTS)' }];
    const containers = [{ name: 'main', env, volumeMounts: [{ name: 'spark-conf-volume-driver' }] }];
    const volumes = [{ name: 'spark-conf-volume-driver', configMap: { name: 'conf-map' } }];
    const ownOptions = [
      { variable: 'SPARK_SUBMIT_OPTS', pieces: ['-Da=b ', { variable: 'FAIRLEAD_SPARK_OPTS' }] },
    ];
    const of = (labels: Record<string, string>, spec: object) =>
      gatedPod({ metadata: { ...metadata, labels }, spec } as KubeObject, 0).spark;
    expect(of({ 'spark-role': 'driver' }, { containers, volumes })).toEqual({
      role: 'driver',
      configMap: 'conf-map',
      ownOptions,
    });
    expect(of({ 'spark-role': 'driver' }, { containers: [] })).toEqual({ role: 'driver' });
    // Without an owner it is no executor.
    expect(of({ 'spark-role': 'executor' }, { containers, volumes })).toEqual({ ownOptions });
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'driver', uid: 'd' }];
    const executor = { metadata: { ...metadata, labels: { 'spark-role': 'executor' }, ownerReferences } };
    expect(gatedPod({ ...executor, spec: { containers: [] } } as KubeObject, 0).spark).toEqual({
      role: 'executor',
    });
    expect(of({}, { containers: [], volumes })).toBeUndefined();
  });

  it('of a pod is which references and storages it names', () => {
    const annotations = { 'fairlead.dev/storage': 'lake, raw', 'fairlead.dev/secret-references': 'db' };
    const raw = { metadata: { ...metadata, annotations }, spec: { containers: [] } } as KubeObject;
    expect(gatedPod(raw, 0)).toMatchObject({ references: ['db'], storages: ['lake', 'raw'] });
  });

  it('of a storage is no key, for those who only look at what it names', () => {
    const storageSecret = { key: 'k', source: { type: 'VAULT', id: 'v' } };
    const spec = { type: 's3', bucket: 'b', accessKey: 'planted', secretKey: 'planted', storageSecret };
    const kept = storageWithoutKeys({ metadata, spec } as KubeObject);
    expect(kept.spec).toEqual({ type: 's3', bucket: 'b', storageSecret });
    expect(JSON.stringify(kept)).not.toContain('planted');
  });

  it('of a bundle is that it is on its way out', () => {
    const raw = { metadata: { ...metadata, deletionTimestamp: 'now' }, spec: {} } as KubeObject;
    expect(custom<Bundle>(raw).metadata.deletionTimestamp).toBe('now');
  });

  it('of a ServiceAccount is who it is and where its tokens may go', () => {
    const annotations = { 'fairlead.dev/vault-host': 'https://vault' };
    const raw = { metadata: { ...metadata, annotations }, secrets: [{ name: 'planted' }] } as KubeObject;
    expect(serviceAccount(raw)).toEqual({
      metadata: { name: 'a', namespace: 'sys', uid: 'u', resourceVersion: '1', annotations },
    });
  });
});

describe('the objects that an integration names', () => {
  const key = 'k';
  const spec = (changes: Partial<VaultIntegrationSpec>): VaultIntegrationSpec => ({
    displayName: 'V',
    host: 'https://vault',
    path: 'secret/data/app',
    domains: ['*'],
    auth: {},
    ...changes,
  });
  const rows: Record<
    string,
    [changes: Partial<VaultIntegrationSpec>, named: Partial<ReturnType<typeof namedBy>>]
  > = {
    'are none': [{}, {}],
    'are the Secrets of every login': [
      {
        auth: {
          jwt: { role: 'r', secretRef: { name: 'jwt', key } },
          appRole: { roleIdRef: { name: 'role', key }, secretIdRef: { name: 'secret', key } },
          token: { secretRef: { name: 'token', key } },
          userPass: { username: 'u', passwordRef: { name: 'password', key } },
        },
      },
      { secrets: ['jwt', 'role', 'secret', 'token', 'password'] },
    ],
    'are the Secrets of TLS': [
      { tls: { caSecretRef: { name: 'ca' }, clientCertSecretRef: { name: 'client' } } },
      { secrets: ['ca', 'client'] },
    ],
    'are named once': [
      {
        auth: { token: { secretRef: { name: 'one', key } } },
        tls: { caSecretRef: { name: 'one' } },
      },
      { secrets: ['one'] },
    ],
    'are the ConfigMap with the CA': [{ tls: { caConfigMapRef: { name: 'ca' } } }, { configMaps: ['ca'] }],
    'are the ServiceAccounts': [
      {
        auth: {
          jwt: { role: 'r', serviceAccountRef: { name: 'a' }, audiences: ['vault'] },
          kubernetes: { role: 'r', serviceAccountRef: { name: 'b' }, audiences: ['vault'] },
        },
      },
      { serviceAccounts: ['a', 'b'] },
    ],
  };
  it.each(Object.entries(rows))('%s', (_, [changes, named]) => {
    expect(namedBy(spec(changes))).toEqual({ secrets: [], serviceAccounts: [], configMaps: [], ...named });
  });
});
