import { join } from 'node:path';
import { DELETION_WARNINGS } from '../../src/api/names.ts';
import { placeholders, type Placeholders } from '../../src/aggregation/test-support.ts';
import { parseConfig } from '../../src/config.ts';
import { accountKubeconfig, unregisterKeysApi } from '../../hack/install.ts';
import { logger } from '../../src/observe/log.ts';
import { metrics } from '../../src/observe/metrics.ts';
import { keysRole } from '../../src/roles/keys.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { until } from './cluster.ts';
import type { Platform } from './platform.ts';

export interface RunningPlaceholder extends Placeholders {
  stop(): Promise<void>;
}

/**
 * The role of the API for keys in this process, with the placeholder in the place of what it serves, and with the
 * ServiceAccount and the certificate that the real one has, which must not run. Resolves when it can be asked.
 */
export async function servePlaceholder(p: Platform, dir: string): Promise<RunningPlaceholder> {
  const kubeconfig = await accountKubeconfig(p.cluster, 'fairlead-keys', dir);
  const flags = {
    role: 'keys',
    kubeconfig,
    identity: 'keys-placeholder',
    'keys-address': `${p.cluster.hostAddress}:${p.fairlead.keysPort}`,
    'keys-certificate-dir': p.fairlead.keysFiles,
    'audit-log': join(dir, 'audit.log'),
  };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const held = placeholders();
  const served = () => ({
    resources: [held.resource],
    inner: {
      // What config/keys-api/deletions.yaml leads to.
      [DELETION_WARNINGS]: ({ body }: { body: unknown }) => {
        const review = body as { apiVersion: string; kind: string; request: { uid: string } };
        const response = { uid: review.request.uid, allowed: true, warnings: ['it is in use'] };
        return { status: 200, body: { ...review, request: undefined, response } };
      },
    },
  });
  const log = logger({ level: 'warn' });
  const role = keysRole(parseConfig(args, {}), log, systemClock, metrics({ process: false }), served);
  const ending = new AbortController();
  const running = role.run(ending.signal);
  await until('the placeholder to be served', async () => {
    const problems = role.ready.flatMap(({ name, check }) => (check() === undefined ? [] : [name, check()]));
    if (problems.length === 0) return true;
    throw new Error(problems.join(' '));
  });
  await p.fairlead.keysApiAvailable();
  return {
    ...held,
    stop: async () => {
      await unregisterKeysApi(p.cluster);
      ending.abort();
      await running;
    },
  };
}
