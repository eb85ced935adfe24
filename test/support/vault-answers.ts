import { expect } from 'vitest';
import { http, type HttpAnswer } from '../../hack/cluster/http.ts';
import type { VaultLab } from './vault-lab.ts';

/** The table of what a Vault-compatible server answers: a row is a sentence, a request and what comes of it. */

export interface Asked {
  readonly token?: string | undefined;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

export type Row = readonly [
  asks: readonly [method: string, path: string, asked?: Asked | (() => Asked)],
  status: number,
  /** Beside what else there is. */
  body: object,
];

export function asks(
  { bao }: Pick<VaultLab, 'bao'>,
  method: string,
  path: string,
  asked: Asked = {},
): Promise<HttpAnswer> {
  const { token, body, headers } = asked;
  return http(`${bao.address}/v1/${path}`, {
    method,
    body,
    headers: { ...(token !== undefined && { 'x-vault-token': token }), ...headers },
  });
}

export async function expectRow(
  lab: Pick<VaultLab, 'bao'>,
  [[method, path, asked], status, body]: Row,
): Promise<void> {
  const answer = await asks(lab, method, path, typeof asked === 'function' ? asked() : asked);
  expect(answer.status).toBe(status);
  expect(answer.json()).toMatchObject(body);
  if (!('errors' in body)) expect(answer.json()).not.toHaveProperty('errors');
}

export const errors = (...texts: readonly (RegExp | string)[]) => ({
  errors: texts.map((text) => expect.stringMatching(text) as string),
});
export const NOTHING = { errors: [] };
export const DENIED = errors(/^permission denied$/);
export const POLICY = errors(/^1 error occurred:\n\t\* permission denied\n\n$/);
export const TEXT = expect.any(String) as string;
