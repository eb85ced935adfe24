import { RESOURCES } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import { absent } from '../kube/errors.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Clock } from '../runtime/clock.ts';
import { issue, parseBundle, renewalDue, secretData, type CertificateBundle } from './certificates.ts';
import type { Trust } from './trust.ts';

export interface CertificateDependencies {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly systemNamespace: string;
  /** The Secret that holds certificate and CA. */
  readonly secretName: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** Where those who call look up the CA. */
  readonly trust: Trust;
  readonly onIssued: (why: string) => void;
  /** The certificate that is good, and stored. */
  readonly onStored?: (bundle: CertificateBundle) => void;
}

type TlsSecret = KubeObject & { readonly data?: Readonly<Record<string, string>> };

/**
 * One pass: a certificate that is missing, broken, for other names or at two thirds of its life is issued anew,
 * and those who call are given the CA. They go first: to trust a CA that nobody serves yet does no harm,
 * to serve a certificate that nobody trusts refuses them.
 */
export async function reconcileCertificate(
  signal: AbortSignal,
  deps: CertificateDependencies,
): Promise<void> {
  const { client, systemNamespace, secretName, dnsNames, ipAddresses, trust, clock } = deps;
  const place = { namespace: systemNamespace, name: secretName };
  const secret = await client.get<TlsSecret>(RESOURCES.secrets, place, { signal }).catch(absent);
  const names = { dnsNames, ipAddresses, now: clock.wall() };
  const present = secret && parseBundle(secret.data ?? {}, names);
  if (present?.kind === 'valid' && !renewalDue(present.bundle, names.now)) {
    deps.onStored?.(present.bundle);
    return trust.write(caBundleOf(present.bundle), signal);
  }
  // What is served today stays trusted until all replicas serve the new certificate.
  const previous =
    (present?.kind === 'valid' ? present.bundle : present?.previous) ?? (await trusted(trust, signal));
  const bundle = await issue({ ...names, previous });
  await trust.write(caBundleOf(bundle), signal);
  await writeSecret(secret, bundle, signal, deps);
  deps.onStored?.(bundle);
  deps.onIssued(present === undefined ? 'Missing' : present.kind === 'valid' ? 'RenewalDue' : present.code);
}

async function writeSecret(
  present: TlsSecret | undefined,
  bundle: CertificateBundle,
  signal: AbortSignal,
  { client, systemNamespace, secretName }: CertificateDependencies,
): Promise<void> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: {
      name: secretName,
      namespace: systemNamespace,
      labels: { 'app.kubernetes.io/managed-by': 'fairlead' },
      // With the version that was read: of two writers one loses and looks again.
      ...(present && { resourceVersion: present.metadata.resourceVersion }),
    },
    data: secretData(bundle),
  };
  if (present) await client.replace(RESOURCES.secrets, secret, { signal });
  else await client.create(RESOURCES.secrets, secret, { signal });
}

/** What is trusted today, should the Secret be lost: replicas go on serving what they were given. */
async function trusted(trust: Trust, signal: AbortSignal): Promise<CertificateBundle | undefined> {
  const bundles = new Set((await trust.read(signal)) ?? []);
  const caCert = [...bundles].map((base64) => Buffer.from(base64, 'base64').toString()).join('');
  return caCert === '' ? undefined : { caCert, caKey: '', cert: '', key: '' };
}

function caBundleOf({ caCert }: CertificateBundle): string {
  return Buffer.from(caCert).toString('base64');
}
