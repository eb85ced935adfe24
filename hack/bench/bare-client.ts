/** The thinnest client there is: one pooled undici Agent, JSON in, JSON out. */
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { parse } from 'yaml';

export interface BareClient {
  call(method: string, path: string, body?: object, contentType?: string): Promise<unknown>;
  /** The lines of a watch, until `signal` is aborted. */
  watch(path: string, signal: AbortSignal): AsyncGenerator<WatchEvent>;
  close(): Promise<void>;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly schedulingGates?: unknown };
  };
}

interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: {
      readonly server: string;
      readonly 'certificate-authority-data'?: string;
      readonly 'certificate-authority'?: string;
    };
  }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

export async function bareClient(kubeconfig: string): Promise<BareClient> {
  const { clusters, users } = parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig;
  const cluster = clusters[0]?.cluster;
  const user = users[0]?.user ?? {};
  const pem = async (data?: string, file?: string) =>
    data ? Buffer.from(data, 'base64') : file ? readFile(file) : undefined;
  const ca = await pem(cluster?.['certificate-authority-data'], cluster?.['certificate-authority']);
  const cert = await pem(user['client-certificate-data'], user['client-certificate']);
  const key = await pem(user['client-key-data'], user['client-key']);
  const dispatcher = new Agent({
    connections: 32,
    bodyTimeout: 0,
    connect: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
  });
  const origin = cluster?.server ?? '';
  return {
    call: async (method, path, body, contentType = 'application/json') => {
      const answer = await request(origin + path, {
        dispatcher,
        method: method as 'GET',
        headers: { 'content-type': contentType, accept: 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await answer.body.text();
      if (answer.statusCode >= 300)
        throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
      return JSON.parse(text);
    },
    watch: async function* (path, signal) {
      const answer = await request(origin + path, { dispatcher, signal });
      let rest = '';
      answer.body.setEncoding('utf8');
      for await (const chunk of answer.body) {
        const lines = (rest + (chunk as string)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) yield JSON.parse(line) as WatchEvent;
      }
    },
    close: async () => dispatcher.close(),
  };
}

/** Runs `work` for 0..count-1, at most `width` at once. */
export async function inParallel(
  count: number,
  width: number,
  work: (i: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
