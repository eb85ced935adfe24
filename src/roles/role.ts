import type { HealthCheck } from '../serve/health.ts';

/** What a process does, as main.ts sees it. */
export interface Role {
  /** Fails only if a restart would help. */
  readonly live: readonly HealthCheck[];
  readonly ready: readonly HealthCheck[];
  /** Works until the signal is aborted and everything is put away; rejects if it cannot go on. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** `0.0.0.0:9443` or `[::1]:9443` in two parts. */
export function address(text: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}
