import { fileURLToPath } from 'node:url';
import { adminClient } from '../api.ts';
import { serverUrl } from '../control-plane.ts';
import type { ComponentSpec } from '../process.ts';
import type { State } from '../state.ts';
import { servicesOf } from '../state.ts';

export const POD_NETWORK = 'pod-network';
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

export function podNetwork(dir: string, state: State): ComponentSpec {
  const admin = adminClient(dir, serverUrl(state));
  return {
    name: POD_NETWORK,
    command: process.execPath,
    args: ['--max-old-space-size=64', MAIN, dir],
    readyTimeoutMs: 30_000,
    // The API server as pods see it.
    ready: async () => (await admin(`https://${servicesOf(state).address}/readyz`)).status === 200,
  };
}
