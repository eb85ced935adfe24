import type { KubeError } from '../kube/errors.ts';

/** Status and code, and the one name that helps: the rest of what the API server says may quote the request. */
export function whyRefused({ code, status, serverMessage = '' }: KubeError): string {
  const policy = refusingPolicy(serverMessage);
  if (policy) return `the ValidatingAdmissionPolicy ${policy} refuses it`;
  return status === undefined ? `it does not answer (${code})` : `HTTP ${status} (${code})`;
}

/** The policy that refused, by its name in what the API server says. */
export function refusingPolicy(serverMessage: string): string | undefined {
  return /ValidatingAdmissionPolicy '([-.a-z0-9]+)'/.exec(serverMessage)?.[1];
}
