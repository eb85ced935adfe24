import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ensureBao } from './bao-tool.ts';
import { ClusterError } from './errors.ts';
import type { HttpAnswer } from './http.ts';
import { http } from './http.ts';
import { freePorts } from './ports.ts';
import type { ComponentSpec } from './process.ts';
import { pidOf, start, stop } from './process.ts';
import type { BuildOptions } from './tools.ts';
import { until } from './wait.ts';

/** A real OpenBao server on the loopback interface: KV version 2 at `secret/`, one unseal key, data on disk. */
export interface Bao {
  readonly address: string;
  readonly rootToken: string;
  stop(): Promise<void>;
  /** Starts it again with the same address and data, and unseals it. Harmless when it runs. */
  start(): Promise<void>;
  seal(): Promise<void>;
  unseal(): Promise<void>;
  pid(): number | undefined;
  /** Up and unsealed. */
  ready(): Promise<boolean>;
  /** Stops it for good and deletes its directory. */
  close(): Promise<void>;
}

export interface BaoOptions extends BuildOptions {
  readonly dir: string;
  readonly tls?: BaoTls;
  readonly env?: Record<string, string>;
}

export interface BaoTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** It lets in only whoever has a certificate of the authority in this file; `clientCert` is one for ourselves. */
  readonly clientCaFile?: string;
  readonly clientCert?: { readonly cert: string; readonly key: string };
}

/** `bao.json`: what is needed to start it again. The keys come with the first start. */
interface BaoState {
  readonly binary: string;
  readonly address: string;
  readonly env: Readonly<Record<string, string>>;
  readonly rootToken?: string;
  readonly unsealKey?: string;
  readonly mounted?: boolean;
  readonly clientCert?: { readonly cert: string; readonly key: string };
}

const NAME = 'openbao';
const READY_MS = 30_000;
const stateFile = (dir: string): string => join(dir, 'bao.json');

export async function startBao(options: BaoOptions): Promise<Bao> {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  const dir = realpathSync(options.dir);
  if (!existsSync(stateFile(dir))) await create(dir, options);
  await startAndUnseal(dir);
  return attachBao(dir);
}

/** A server that startBao() made earlier, in this process or another one, running or not. */
export function attachBao(dir: string): Bao {
  const { address, rootToken } = readState(dir);
  if (rootToken === undefined) throw new ClusterError('NOT_RUNNING', `${dir} holds no initialised OpenBao`);
  return {
    address,
    rootToken,
    stop: () => stop(dir, NAME, { signal: 'SIGTERM', timeoutMs: 10_000, thenKill: true }),
    start: () => startAndUnseal(dir),
    seal: async () => {
      await call(dir, 'PUT', 'sys/seal');
    },
    unseal: () => unseal(dir),
    pid: () => pidOf(dir, NAME),
    ready: async () => (await health(dir)) === 200,
    close: async () => {
      await stop(dir, NAME, { signal: 'SIGKILL', timeoutMs: 10_000 });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export async function killBao(dir: string): Promise<void> {
  await stop(dir, NAME, { signal: 'SIGKILL', timeoutMs: 10_000 });
}

async function create(dir: string, options: BaoOptions): Promise<void> {
  const binary = await ensureBao(options);
  const { bao: port, cluster } = await freePorts(['bao', 'cluster']);
  const { tls } = options;
  const address = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  mkdirSync(join(dir, 'data'), { recursive: true, mode: 0o700 });
  const config = {
    // Raft is its only storage on disk. The shortest election there is: nobody else stands for it.
    storage: { raft: { path: join(dir, 'data'), node_id: 'one', performance_multiplier: 1 } },
    listener: {
      tcp: {
        address: `127.0.0.1:${port}`,
        cluster_address: `127.0.0.1:${cluster}`,
        ...(tls ? { tls_cert_file: tls.certFile, tls_key_file: tls.keyFile } : { tls_disable: true }),
        ...(tls?.clientCaFile !== undefined && {
          tls_require_and_verify_client_cert: true,
          tls_client_ca_file: tls.clientCaFile,
        }),
      },
    },
    api_addr: address,
    cluster_addr: `https://127.0.0.1:${cluster}`,
  };
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config, null, 2), { mode: 0o600 });
  const clientCert = tls?.clientCert;
  writeState(dir, { binary, address, env: options.env ?? {}, ...(clientCert && { clientCert }) });
}

function spec(dir: string): ComponentSpec {
  const { binary, env } = readState(dir);
  return {
    name: NAME,
    command: binary,
    args: ['server', `-config=${join(dir, 'config.json')}`],
    // Its token helper and history belong into its own directory, not into somebody's home.
    env: { HOME: dir, ...env },
    readyTimeoutMs: READY_MS,
    // Sealed or not yet initialised is up, too: those are the next steps.
    ready: async () => [200, 429, 501, 503].includes(await health(dir)),
  };
}

async function startAndUnseal(dir: string): Promise<void> {
  await start(dir, spec(dir));
  if (readState(dir).unsealKey === undefined) await initialise(dir);
  await unseal(dir);
  if (readState(dir).mounted !== true) await mountSecret(dir);
}

async function initialise(dir: string): Promise<void> {
  const answer = await call(dir, 'PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 });
  const { keys, root_token } = answer.json<{ keys: [string]; root_token: string }>();
  writeState(dir, { ...readState(dir), unsealKey: keys[0], rootToken: root_token });
}

async function unseal(dir: string): Promise<void> {
  const { unsealKey } = readState(dir);
  await call(dir, 'PUT', 'sys/unseal', { key: unsealKey });
  await until({ what: 'openbao stays sealed', timeoutMs: READY_MS, intervalMs: 20 }, async () => {
    return (await health(dir)) === 200;
  });
}

async function health(dir: string): Promise<number> {
  const { address, clientCert } = readState(dir);
  return (await http(`${address}/v1/sys/health`, { anyCertificate: true, ...clientCert })).status;
}

async function mountSecret(dir: string): Promise<void> {
  const { address, rootToken, clientCert } = readState(dir);
  const headers = { 'x-vault-token': rootToken ?? '' };
  const mounts = (await call(dir, 'GET', 'sys/mounts')).json<Record<string, unknown>>();
  if (!('secret/' in mounts))
    await call(dir, 'POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  // A new KV mount refuses everything until its own set-up is through; then the empty one says 404.
  await until({ what: 'openbao: secret/ is not ready', timeoutMs: READY_MS, intervalMs: 10 }, async () => {
    const probe = await http(`${address}/v1/secret/data/none`, {
      headers,
      anyCertificate: true,
      ...clientCert,
    });
    return probe.status === 404;
  });
  writeState(dir, { ...readState(dir), mounted: true });
}

async function call(dir: string, method: string, path: string, body?: unknown): Promise<HttpAnswer> {
  const { address, rootToken, clientCert } = readState(dir);
  const answer = await http(`${address}/v1/${path}`, {
    method,
    body,
    anyCertificate: true,
    ...clientCert,
    timeoutMs: 15_000,
    headers: rootToken === undefined ? {} : { 'x-vault-token': rootToken },
  });
  if (answer.status < 300) return answer;
  throw new ClusterError('HTTP', `openbao: ${method} ${path}: status ${answer.status}`);
}

function readState(dir: string): BaoState {
  try {
    return JSON.parse(readFileSync(stateFile(dir), 'utf8')) as BaoState;
  } catch (error) {
    throw new ClusterError('NOT_RUNNING', `${dir} holds no OpenBao`, error);
  }
}

function writeState(dir: string, state: BaoState): void {
  const temporary = `${stateFile(dir)}.new`;
  writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, stateFile(dir));
}
