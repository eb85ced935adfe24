import { startBao } from './bao.ts';
import { baoDir, specOf } from './components.ts';
import { startRuntime } from './node.ts';
import type { NodeHost } from './node-host.ts';
import { POD_NETWORK } from './pod-network/component.ts';
import { pidOf, start } from './process.ts';
import type { State } from './state.ts';
import { together } from './together.ts';
import type { BuildOptions } from './tools.ts';

/**
 * Starts what does not run yet, side by side where nothing forbids it: OpenBao; the control plane; the node's
 * runtime and then, once there is an API server, its kubelet.
 */
export async function startAll(
  dir: string,
  state: State,
  host: NodeHost | undefined,
  { log, signal }: BuildOptions,
): Promise<void> {
  const apiServer = Promise.withResolvers<void>();
  const component = async (name: string, signal: AbortSignal): Promise<void> => {
    const began = performance.now();
    const running = pidOf(dir, name) !== undefined;
    await start(dir, specOf(dir, state, name), signal);
    log?.(
      running ? `${name} runs` : `${name} ready after ${((performance.now() - began) / 1000).toFixed(1)} s`,
    );
  };

  const openbao = async (): Promise<void> => {
    if (!state.parts.openbao) return;
    await startBao({ dir: baoDir(dir), log });
    log?.('openbao ready');
  };
  const controlPlane = async (signal: AbortSignal): Promise<void> => {
    try {
      await component('etcd', signal);
      await component('kube-apiserver', signal);
    } finally {
      // After a failure, too: the signal then stops the one who waits.
      apiServer.resolve();
    }
    if (!state.parts.controllers) return;
    await together(signal, [
      (signal) => component('kube-controller-manager', signal),
      (signal) => component('kube-scheduler', signal),
    ]);
  };
  const node = async (signal: AbortSignal): Promise<void> => {
    if (!host) return;
    await startRuntime(dir, state, host, signal);
    await apiServer.promise;
    await together(signal, [
      (signal) => component(POD_NETWORK, signal),
      (signal) => component('kubelet', signal),
    ]);
  };
  await together(signal, [openbao, controlPlane, node]);
}
