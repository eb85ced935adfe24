import { readFileSync } from 'node:fs';
import { KubeError } from '../../kube/errors.ts';
import type { Cluster } from './kubeconfig-shape.ts';

/** What a kubeconfig holds itself, in base64, or names a file for; undefined if neither. Throws KubeError BadConfig. */
export function bytesOf(data: string | undefined, file: string | undefined): Buffer | undefined {
  if (data) return Buffer.from(data, 'base64');
  if (!file) return undefined;
  try {
    return readFileSync(file);
  } catch {
    throw new KubeError({ code: 'BadConfig', message: 'a file that the kubeconfig names cannot be read' });
  }
}

export function caOf(cluster: Cluster): Buffer | undefined {
  return bytesOf(cluster['certificate-authority-data'], cluster['certificate-authority']);
}
