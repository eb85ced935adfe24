import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { http } from '../cluster/http.ts';
import { freePorts } from '../cluster/ports.ts';
import { start, stop, logFile } from '../cluster/process.ts';
import type { BuildOptions } from '../cluster/tools.ts';
import { ensureS3Server } from './s3-tool.ts';

const NAME = 's3';

export interface S3 {
  /** http://ADDRESS:PORT */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  bucket(name: string): void;
  /** Names of the objects below a prefix that is a folder, sorted; empty when there is none. */
  list(bucket: string, folder: string): string[];
  read(bucket: string, key: string): Buffer;
  write(bucket: string, key: string, text: string): void;
  /** One line for each request: method, path, status. */
  requests(): string;
  stop(): Promise<void>;
}

export interface S3Options extends BuildOptions {
  /** State directory, created; deleted by stop(). */
  readonly dir: string;
  /** Where it listens: the node's address, if pods are to reach it. */
  readonly address: string;
  readonly accessKey?: string;
  readonly secretKey?: string;
}

/** An S3 server on a free port that takes only requests signed with its own keys; its objects are files below `dir`. */
export async function startS3(options: S3Options): Promise<S3> {
  const { dir, address } = options;
  const command = await ensureS3Server(options);
  const { s3: port } = await freePorts(['s3']);
  const endpoint = `http://${address}:${port}`;
  const accessKey = options.accessKey ?? `key-${randomBytes(6).toString('hex')}`;
  const secretKey = options.secretKey ?? randomBytes(20).toString('hex');
  const [objects, metadata] = [join(dir, 'objects'), join(dir, 'metadata')];
  for (const folder of [objects, metadata]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  await start(
    dir,
    {
      name: NAME,
      command,
      // Metadata in files of their own: not each file system has extended attributes.
      args: ['--port', `${address}:${port}`, 'posix', '--sidecar', metadata, objects],
      // In the environment: a command line is everybody's to read.
      env: { ROOT_ACCESS_KEY_ID: accessKey, ROOT_SECRET_ACCESS_KEY: secretKey },
      readyTimeoutMs: 30_000,
      // Refused, as it has to be without a signature.
      ready: async () => (await http(endpoint)).status === 403,
    },
    options.signal,
  );
  const folder = (bucket: string, path: string) => join(objects, bucket, path);
  return {
    endpoint,
    accessKey,
    secretKey,
    bucket: (name) => {
      mkdirSync(folder(name, ''), { recursive: true });
    },
    list: (bucket, path) =>
      existsSync(folder(bucket, path)) ? readdirSync(folder(bucket, path)).sort() : [],
    read: (bucket, key) => readFileSync(folder(bucket, key)),
    write: (bucket, key, text) => {
      mkdirSync(dirname(folder(bucket, key)), { recursive: true });
      writeFileSync(folder(bucket, key), text);
    },
    requests: () => readFileSync(logFile(dir, NAME), 'utf8'),
    stop: async () => {
      await stop(dir, NAME, { signal: 'SIGTERM', timeoutMs: 10_000, thenKill: true });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
