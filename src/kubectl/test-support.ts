import { PassThrough } from 'node:stream';
import { KubeError } from '../kube/errors.ts';
import type { Asked } from './api/http.ts';
import { Api } from './api/api.ts';
import type { Io } from './cli/io.ts';

export interface TestIo extends Io {
  readonly printed: () => { readonly out: string; readonly err: string };
}

/** A world whose output can be looked at; standard input holds `input`. */
export function testIo(input = '', env: Record<string, string> = {}): TestIo {
  const [out, err]: [string[], string[]] = [[], []];
  const stdin = new PassThrough();
  stdin.end(input);
  return {
    out: { write: (text) => out.push(text) },
    err: { write: (text) => err.push(text) },
    stdin: stdin as unknown as NodeJS.ReadStream,
    env,
    printed: () => ({ out: out.join(''), err: err.join('') }),
  };
}

export function kubeError(code: KubeError['code'], status?: number, serverMessage?: string): KubeError {
  return new KubeError({ code, message: `call: ${code}`, status, serverMessage });
}

/** An API that answers by `METHOD path`, with an object or an error; everything that was asked for is in `asked`. */
export function scriptedApi(answers: Readonly<Record<string, unknown>>, namespace = 'team-a') {
  const asked: Asked[] = [];
  const request = async <T>(one: Asked): Promise<T> => {
    asked.push(one);
    const answer = answers[`${one.method} ${one.path}`] ?? kubeError('NotFound', 404);
    if (answer instanceof Error) throw answer;
    return answer as T;
  };
  return { api: new Api({ request, close: () => undefined }, namespace), asked };
}
