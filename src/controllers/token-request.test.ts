import { describe, expect, it } from 'vitest';
import { KubeError } from '../kube/errors.ts';
import type { RequestOptions } from '../kube/client.ts';
import { tokenRequests } from './token-request.ts';

const wanted = { serviceAccount: 'vault-finance', audiences: ['vault'] };
const never = new AbortController().signal;

/** Asks an API server that answers like this; tells what it was asked. */
async function ask(answer: unknown, signal = never) {
  const asked: RequestOptions[] = [];
  const client = {
    request: async <T>(request: RequestOptions): Promise<T> => {
      asked.push(request);
      if (answer instanceof Error) throw answer;
      return Promise.resolve(answer as T);
    },
  };
  const result = await tokenRequests(client, 'fairlead-system')(wanted, signal);
  return { result, asked };
}

const error = (code: KubeError['code'], status?: number, serverMessage?: string) =>
  new KubeError({
    code,
    message: 'planted',
    ...(status && { status }),
    ...(serverMessage && { serverMessage }),
  });

describe('a token of a ServiceAccount', () => {
  it('is asked for with its audience, for ten minutes, in the system namespace', async () => {
    const { asked } = await ask({ status: { token: 'planted-jwt' } });
    expect(asked).toMatchObject([
      {
        method: 'POST',
        path: '/api/v1/namespaces/fairlead-system/serviceaccounts/vault-finance/token',
        body: { kind: 'TokenRequest', spec: { audiences: ['vault'], expirationSeconds: 600 } },
      },
    ]);
  });

  it('comes hidden', async () => {
    const { result } = await ask({ status: { token: 'planted-jwt' } });
    expect('token' in result && result.token.reveal()).toBe('planted-jwt');
    expect(JSON.stringify(result)).not.toContain('planted');
  });

  it.each([
    ['the answer has none', {}, 'its answer holds none'],
    ['there is no such account', error('NotFound', 404), 'HTTP 404 (NotFound)'],
    ['Fairlead may not', error('Forbidden', 403, 'planted'), 'HTTP 403 (Forbidden)'],
    [
      'a policy refuses it',
      error('Invalid', 422, "ValidatingAdmissionPolicy 'fairlead-fence-tokens' with binding planted"),
      'the ValidatingAdmissionPolicy fairlead-fence-tokens refuses it',
    ],
    ['the API server does not answer', error('Timeout'), 'it does not answer (Timeout)'],
  ])('is refused in words of ours if %s', async (_, answer, refused) => {
    const { result } = await ask(answer);
    expect(result).toEqual({ refused });
  });

  it('ends with the signal', async () => {
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(ask(error('Aborted'), aborted)).rejects.toThrow('enough');
  });

  it('lets errors of ours through', async () => {
    await expect(ask(new TypeError('a bug'))).rejects.toThrow('a bug');
  });
});
