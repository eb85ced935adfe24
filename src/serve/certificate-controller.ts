import { CERTIFICATE_SECRET, WEBHOOK_CONFIGURATION } from '../api/names.ts';
import { RESOURCES } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/errors.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Clock } from '../runtime/clock.ts';
import { issue, parseBundle, renewalDue, secretData, type CertificateBundle } from './certificates.ts';

export interface CertificateDependencies {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly systemNamespace: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly onIssued: (why: string) => void;
}

type TlsSecret = KubeObject & { readonly data?: Readonly<Record<string, string>> };

/**
 * One pass: a certificate that is missing, broken, for other names or at two thirds of its life is issued anew,
 * and the webhook configuration is given the CA. It goes first: to trust a CA that nobody serves yet does no harm,
 * to serve a certificate that nobody trusts refuses pods.
 */
export async function reconcileCertificate(
  signal: AbortSignal,
  deps: CertificateDependencies,
): Promise<void> {
  const { client, systemNamespace, dnsNames, ipAddresses, clock } = deps;
  const place = { namespace: systemNamespace, name: CERTIFICATE_SECRET };
  const secret = await client.get<TlsSecret>(RESOURCES.secrets, place, { signal }).catch(absent);
  const names = { dnsNames, ipAddresses, now: clock.wall() };
  const present = secret && parseBundle(secret.data ?? {}, names);
  if (present?.kind === 'valid' && !renewalDue(present.bundle, names.now)) {
    return writeCaBundle(present.bundle, signal, deps);
  }
  // What is served today stays trusted until all replicas serve the new certificate.
  const previous =
    (present?.kind === 'valid' ? present.bundle : present?.previous) ?? (await trusted(signal, deps));
  const bundle = await issue({ ...names, previous });
  await writeCaBundle(bundle, signal, deps);
  await writeSecret(secret, bundle, signal, deps);
  deps.onIssued(present === undefined ? 'Missing' : present.kind === 'valid' ? 'RenewalDue' : present.code);
}

function absent(error: unknown): undefined {
  if (error instanceof KubeError && error.code === 'NotFound') return undefined;
  throw error;
}

async function writeSecret(
  present: TlsSecret | undefined,
  bundle: CertificateBundle,
  signal: AbortSignal,
  { client, systemNamespace }: CertificateDependencies,
): Promise<void> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: {
      name: CERTIFICATE_SECRET,
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

interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly {
    readonly name: string;
    readonly clientConfig: { readonly caBundle?: string };
  }[];
}

/** What the webhook trusts today, should the Secret be lost: replicas go on serving what they were given. */
async function trusted(
  signal: AbortSignal,
  { client }: CertificateDependencies,
): Promise<CertificateBundle | undefined> {
  const name = { name: WEBHOOK_CONFIGURATION };
  const present = await client
    .get<WebhookConfiguration>(RESOURCES.mutatingWebhooks, name, { signal })
    .catch(absent);
  const bundles = new Set(
    (present?.webhooks ?? []).flatMap(({ clientConfig }) => clientConfig.caBundle ?? []),
  );
  const caCert = [...bundles].map((base64) => Buffer.from(base64, 'base64').toString()).join('');
  return caCert === '' ? undefined : { caCert, caKey: '', cert: '', key: '' };
}

/** Changes caBundle and nothing else; writes only if it differs. */
async function writeCaBundle(
  bundle: CertificateBundle,
  signal: AbortSignal,
  { client }: CertificateDependencies,
): Promise<void> {
  const name = { name: WEBHOOK_CONFIGURATION };
  const present = await client
    .get<WebhookConfiguration>(RESOURCES.mutatingWebhooks, name, { signal })
    .catch(absent);
  const caBundle = Buffer.from(bundle.caCert).toString('base64');
  const stale = (present?.webhooks ?? []).filter(({ clientConfig }) => clientConfig.caBundle !== caBundle);
  if (stale.length === 0) return;
  const patch = { webhooks: stale.map((webhook) => ({ name: webhook.name, clientConfig: { caBundle } })) };
  await client.patch(RESOURCES.mutatingWebhooks, name, patch, { type: 'strategic', signal });
}
