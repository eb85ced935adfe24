import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { ensureHelm } from '../../hack/chart/helm-tool.ts';
import type { KubeJson } from './cluster.ts';

const run = promisify(execFile);
export const CHART = new URL('../../charts/fairlead', import.meta.url).pathname;

export interface Helm {
  /** What helm prints; rejects with its own words in `stderr`. */
  (...args: string[]): Promise<string>;
}

/** helm as the administrator of a cluster; its own folders are in `dir`, whoever runs the test. */
export async function helmFor(kubeconfig: string, dir: string): Promise<Helm> {
  const helm = await ensureHelm({ log: (line) => console.log(line) });
  const env = {
    PATH: process.env['PATH'] ?? '',
    KUBECONFIG: kubeconfig,
    // It keeps what it discovers of a cluster below this.
    HOME: dir,
    HELM_CACHE_HOME: dir,
    HELM_CONFIG_HOME: dir,
    HELM_DATA_HOME: dir,
  };
  return async (...args) => (await run(helm, args, { env, maxBuffer: 64 << 20 })).stdout;
}

/** Objects by `Kind/name`. */
export function byId(manifests: string): Map<string, KubeJson> {
  const objects: KubeJson[] = parseAllDocuments(manifests).flatMap((document) => document.toJS() ?? []);
  return new Map(objects.map((object) => [`${object.kind}/${object.metadata.name}`, object]));
}
