import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import type { RoleProcess } from '../fairlead.ts';
import { waitFor } from '../demo/ui.ts';
import { REFERENCE, type Lab } from './lab.ts';
import { timed, underLoad, unscheduled, type Load, type Outcome } from './load.ts';

const CERTIFICATE = 'fairlead-webhook-cert';
const SYSTEM = 'fairlead-system';

/** How old the certificate is of which these cases begin; it lives for 90 days, and is renewed after 60. */
const AGE_DAYS = { 'certificate renewed under load': 61, 'certificate expired': 91 } as const;

export type CertificateCase = keyof typeof AGE_DAYS;
export const CERTIFICATE_CASES = Object.keys(AGE_DAYS) as readonly CertificateCase[];

/** Pods are created while an old certificate of the webhook is replaced; one that has expired is first served for a while. */
export async function certificate(lab: Lab, name: CertificateCase, load: Load): Promise<Outcome> {
  const { fairlead } = lab;
  const days = AGE_DAYS[name];
  let looksAfter = await olden(lab, days);
  const late = days > 90;
  try {
    if (late) await refusedAndUnrelated(lab);
    // Pods of the load are refused until then; so nothing is waited for first.
    return await underLoad(lab, name, late ? { ...load, before: 0 } : load, async () => {
      const old = await served(lab);
      const took = await timed(async () => {
        await looksAfter.stop();
        looksAfter = await fairlead.startRole('certificates');
        await waitFor('a new certificate', async () => ((await stored(lab)) !== old ? true : undefined));
        await bring(lab);
      });
      return `stored, brought and served ${took} s after the certificates role was started`;
    });
  } finally {
    await looksAfter.stop();
    await fairlead.startRole('certificates');
    await bring(lab);
  }
}

/** Has a certificate issued and served that is so old. */
async function olden(lab: Lab, days: number): Promise<RoleProcess> {
  const clock = new URL(`./shifted-clock.ts?days=-${days}`, import.meta.url).href;
  await lab.fairlead.process('certificates').stop();
  await lab.kubectl('delete', 'secret', CERTIFICATE, '-n', SYSTEM);
  const issuing = await lab.fairlead.startRole('certificates', { nodeFlags: ['--import', clock] });
  await bring(lab);
  return issuing;
}

/** Brings what is stored into the mounts, and waits until all replicas serve it. */
async function bring(lab: Lab): Promise<void> {
  await lab.fairlead.syncCertificate();
  const wanted = await stored(lab);
  await waitFor('the certificate to be served', async () => {
    // A new connection each: they go to one replica after the other.
    const seen = [await served(lab), await served(lab)];
    return seen.every((serial) => serial === wanted) ? true : undefined;
  });
}

async function stored(lab: Lab): Promise<string> {
  const data = await lab.kubectl(
    'get',
    'secret',
    CERTIFICATE,
    '-n',
    SYSTEM,
    '-o',
    'jsonpath={.data.tls\\.crt}',
  );
  return new X509Certificate(Buffer.from(data, 'base64')).serialNumber;
}

async function served(lab: Lab): Promise<string> {
  const socket = connect({ ...address(lab), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

/** An expired certificate refuses pods that ask for secrets, and no others. */
async function refusedAndUnrelated(lab: Lab): Promise<void> {
  // The API server goes on with connections that are open: only a new one shows it the certificate.
  await lab.replicas.roll('admission');
  const namespace = await lab.namespace();
  const path = `/api/v1/namespaces/${namespace}/pods`;
  await waitFor('a pod to be refused', async () =>
    lab.api.call('POST', `${path}?dryRun=All`, unscheduled('asks', namespace, REFERENCE)).then(
      () => undefined,
      (error: Error) => (error.message.includes('certificate has expired') ? true : undefined),
    ),
  );
  await lab.api.call('POST', path, unscheduled('unrelated', namespace));
}

const address = ({ cluster, fairlead }: Lab) => ({ host: cluster.hostAddress, port: fairlead.webhookPort });
