import type { KubeError } from '../kube/errors.ts';

/** Status and code, and the one name that helps: the rest of what the API server says may quote the request. */
export function whyRefused({ code, status, serverMessage = '' }: KubeError): string {
  const policy = /ValidatingAdmissionPolicy '([-.a-z0-9]+)'/.exec(serverMessage)?.[1];
  if (policy) return `the ValidatingAdmissionPolicy ${policy} refuses it`;
  return status === undefined ? `it does not answer (${code})` : `HTTP ${status} (${code})`;
}
