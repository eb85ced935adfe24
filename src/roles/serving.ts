import type { Logger } from '../observe/log.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Loops } from '../runtime/loops.ts';
import { readServingFiles, watchServingFiles, type ServingFiles } from '../serve/certificate-files.ts';
import type { HttpsListening } from '../serve/https.ts';

/** How often the mounted certificate is looked at: the kubelet itself takes up to a minute to bring a new one. */
const CERTIFICATE_MS = 2_000;
const DRAIN_MS = 5_000;
/** Two small files are read within that, or the disk is gone. */
const LOOK_MS = 5 * 60_000;

export interface Serving {
  /** Where the certificate and its key come as files. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly loops: Loops;
  /** How long everything is still answered after the signal, so that no caller loses a request on the way. */
  readonly retireMs: number;
  /** What is served, for logs. */
  readonly what: string;
  readonly start: (pair: ServingFiles) => Promise<HttpsListening>;
  readonly onServing: (server: HttpsListening) => void;
  /** Each certificate that is served. */
  readonly onCertificate: (pair: ServingFiles) => void;
}

/** Serves as soon as there is a certificate, with each new one, until the signal is aborted. */
export async function serve(
  { directory, clock, log, loops, retireMs, what, start, onServing, onCertificate }: Serving,
  signal: AbortSignal,
): Promise<void> {
  let server: HttpsListening | undefined;
  const turn = loops.begin('certificate-files', LOOK_MS);
  const sleep = async (ms: number, until: AbortSignal) => {
    turn.again();
    return clock.sleep(ms, until);
  };
  while (!signal.aborted && !server) {
    const read = await readServingFiles(directory);
    if (read.kind === 'pair') {
      server = await start(read.pair);
      onServing(server);
      log.info({ what, port: server.port }, 'served');
    } else await sleep(200, signal).catch(() => undefined);
  }
  const onPair = (pair: ServingFiles) => {
    server?.setCertificate(pair);
    onCertificate(pair);
  };
  const onFault = (code: string) =>
    log.warn({ code }, 'the certificate files are unusable; the last good pair stays');
  await watchServingFiles({ directory, intervalMs: CERTIFICATE_MS, sleep, onPair, onFault }, signal);
  turn.end();
  // Ready no more, and the Service takes a moment to know; connections that are open already it never takes back.
  server?.retire();
  if (server) await clock.sleep(retireMs);
  await server?.stop(DRAIN_MS);
}
