/** Runs Fairlead's roles as processes of this machine, each with its own ServiceAccount. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CERTIFICATE_SECRET,
  DEFAULT_SYSTEM_NAMESPACE,
  KEYS_API_SERVICE,
  KEYS_CERTIFICATE_SECRET,
  LEGACY_SPARK_CONFIGURATION,
} from '../src/api/names.ts';
import type { Role } from '../src/config.ts';
import {
  accountKubeconfig,
  install,
  installKeysApi,
  installLegacySpark,
  kubectl,
  uninstallKeysApi,
  uninstallLegacySpark,
  unregisterKeysApi,
  type Target,
} from './install.ts';

/** Below the working directory: where the kubelet would mount the certificates. */
const WEBHOOK_FILES = 'certificate';
const KEYS_FILES = 'keys-certificate';

const MAIN = new URL('../src/main.ts', import.meta.url).pathname;

export interface FairleadOptions {
  readonly target: Target;
  /** Kubeconfigs, certificate and logs go here. */
  readonly dir: string;
  readonly vaultHosts: readonly string[];
  readonly flags?: readonly string[];
  /** With the API for keys; `stop()` takes it out of the cluster again. `unserved`: its role is somebody else's. */
  readonly keysApi?: boolean | 'unserved';
  /** Keep running when this process ends (the demo). */
  readonly detached?: boolean;
}

export interface RoleProcess {
  readonly role: Role;
  readonly pid: number;
  readonly logFile: string;
  /** Base URL of /livez, /readyz and /metrics. */
  readonly health: string;
  logs(): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and the exit code once it is gone. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
  readonly exited: Promise<number | null>;
}

interface StartOptions {
  /** A second process of a role needs a name of its own. */
  readonly name?: string;
  readonly flags?: readonly string[];
  /** Flags of node itself. */
  readonly nodeFlags?: readonly string[];
  /** False: a standby, of which only its life is waited for. */
  readonly ready?: boolean;
}

/** An installation whose roles can be stopped and started one by one. */
export class Fairlead {
  readonly #options: FairleadOptions;
  readonly #processes = new Map<string, RoleProcess>();
  readonly webhookPort: number;
  /** Of the API for keys, if it is installed. */
  readonly keysPort: number | undefined;
  #starts = 0;

  private constructor(options: FairleadOptions, webhookPort: number, keysPort: number | undefined) {
    this.#options = options;
    this.webhookPort = webhookPort;
    this.keysPort = keysPort;
  }

  /** Where the certificate of the API for keys is. */
  get keysFiles(): string {
    return join(this.#options.dir, KEYS_FILES);
  }

  /** Installs config/ and starts nothing. */
  static async install(options: FairleadOptions): Promise<Fairlead> {
    const port = await freePort();
    const keysPort = options.keysApi ? await freePort() : undefined;
    for (const directory of [WEBHOOK_FILES, KEYS_FILES])
      await mkdir(join(options.dir, directory), { recursive: true, mode: 0o700 });
    await install(options.target, `https://${options.target.hostAddress}:${port}`);
    if (keysPort !== undefined) await installKeysApi(options.target, keysPort);
    return new Fairlead(options, port, keysPort);
  }

  /** Starts all roles and waits until pods can be admitted and delivered to, and keys be served. */
  async start(): Promise<void> {
    await this.startRole('certificates');
    await this.syncCertificate();
    const withKeys = this.#options.keysApi === true;
    const all: Role[] = ['admission', 'controller', ...(withKeys ? ['keys' as const] : [])];
    await Promise.all(all.map(async (role) => this.startRole(role)));
    if (withKeys) await this.keysApiAvailable();
  }

  /** Starts one role; a second one of the same role needs a name of its own. Resolves when it is ready. */
  async startRole(
    role: Role,
    { name = role, flags = [], nodeFlags = [], ready = true }: StartOptions = {},
  ): Promise<RoleProcess> {
    const { dir, target } = this.#options;
    const healthPort = await freePort();
    const kubeconfig =
      role === 'admission' ? [] : ['--kubeconfig', await accountKubeconfig(target, `fairlead-${role}`, dir)];
    const args = [
      ...['--disable-sigusr1', '--report-exclude-env', '--optimize-for-size', ...nodeFlags, MAIN],
      ...['--role', role, '--identity', name, '--health-address', `127.0.0.1:${healthPort}`],
      ...kubeconfig,
      ...[
        '--webhook-address',
        `${target.hostAddress}:${this.webhookPort}`,
        '--webhook-names',
        target.hostAddress,
      ],
      ...['--certificate-dir', join(dir, WEBHOOK_FILES), '--vault-hosts', this.#options.vaultHosts.join(',')],
      ...['--keys-certificate-dir', join(dir, KEYS_FILES)],
      ...['--keys-address', `${target.hostAddress}:${this.keysPort ?? 0}`],
      ...['--allow-http-vault', 'true'],
      // Most who stop it here have no requests under way that would be worth the time.
      ...['--drain-seconds', '0'],
      ...(this.#options.flags ?? []),
      ...flags,
    ];
    const logFile = join(dir, `${name}-${++this.#starts}.log`);
    // A file, not a pipe: a process that stays behind must not die of a reader that is gone.
    const log = await open(logFile, 'w', 0o600);
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', log.fd, log.fd],
      env: plainEnvironment(),
      detached: this.#options.detached === true,
    });
    await log.close();
    if (this.#options.detached) child.unref();
    const started = roleProcess(role, child, logFile, `http://127.0.0.1:${healthPort}`);
    this.#processes.set(name, started);
    await untilAnswers(started, ready ? '/readyz' : '/livez');
    return started;
  }

  /** Installs config/legacy-spark, and waits until its webhook can be reached; to be uninstalled before the cluster is used on. */
  async installLegacySpark(): Promise<void> {
    const { target } = this.#options;
    await installLegacySpark(target, `https://${target.hostAddress}:${this.webhookPort}`);
    const authority = 'jsonpath={.webhooks[1].clientConfig.caBundle}';
    const configuration = ['mutatingwebhookconfiguration', LEGACY_SPARK_CONFIGURATION];
    await kubectl(target, ['wait', `--for=${authority}`, '--timeout=30s', ...configuration]);
  }

  async uninstallLegacySpark(): Promise<void> {
    await uninstallLegacySpark(this.#options.target);
  }

  /** Waits until kube-apiserver passes requests on to the API for keys. */
  async keysApiAvailable(): Promise<void> {
    const wait = ['wait', '--for=condition=Available', '--timeout=60s', 'apiservice', KEYS_API_SERVICE];
    await kubectl(this.#options.target, wait);
  }

  process(name: string): RoleProcess {
    const found = this.#processes.get(name);
    if (!found) throw new Error(`no process ${name}`);
    return found;
  }

  get processes(): readonly RoleProcess[] {
    return [...this.#processes.values()];
  }

  /** Does what the kubelet does for mounted Secrets: brings the certificates into the directories of who serves. */
  async syncCertificate(): Promise<void> {
    await this.#bring(CERTIFICATE_SECRET, WEBHOOK_FILES);
    if (this.keysPort !== undefined) await this.#bring(KEYS_CERTIFICATE_SECRET, KEYS_FILES);
  }

  async #bring(secret: string, directory: string): Promise<void> {
    const { dir, target } = this.#options;
    const deadline = performance.now() + 20_000;
    const get = ['get', 'secret', secret, '-n', DEFAULT_SYSTEM_NAMESPACE, '-o', 'json', '--ignore-not-found'];
    for (;;) {
      const json = await kubectl(target, get);
      const data = json ? (JSON.parse(json) as { data: Record<string, string> }).data : {};
      if (data['tls.crt'] && data['tls.key']) {
        for (const file of ['tls.key', 'tls.crt']) {
          const path = join(dir, directory, file);
          await writeFile(`${path}.new`, Buffer.from(data[file] ?? '', 'base64'), { mode: 0o600 });
          await rename(`${path}.new`, path);
        }
        return;
      }
      if (performance.now() > deadline) throw new Error(`the certificates role wrote no Secret ${secret}`);
      await delay(100);
    }
  }

  async stop(): Promise<void> {
    // First: an API that is registered and not served keeps every namespace from being deleted.
    if (this.keysPort !== undefined) await unregisterKeysApi(this.#options.target);
    await Promise.all(this.processes.map(async (running) => running.stop()));
    this.#processes.clear();
    if (this.keysPort !== undefined) await uninstallKeysApi(this.#options.target);
  }
}

function roleProcess(role: Role, child: ChildProcess, logFile: string, health: string): RoleProcess {
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return exited;
  };
  return {
    role,
    pid: child.pid ?? -1,
    logFile,
    health,
    logs: async () => readFile(logFile, 'utf8'),
    signal: (signal) => void child.kill(signal),
    stop: async () => {
      // A paused process takes no SIGTERM.
      child.kill('SIGCONT');
      return end('SIGTERM');
    },
    kill: async () => void (await end('SIGKILL')),
    exited,
  };
}

async function untilAnswers(started: RoleProcess, path: string): Promise<void> {
  const deadline = performance.now() + 120_000;
  let ended = false;
  void started.exited.then(() => (ended = true));
  for (;;) {
    const ok = await fetch(started.health + path).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    if (ended || performance.now() > deadline) {
      const tail = (await started.logs().catch(() => '')).split('\n').slice(-15).join('\n');
      throw new Error(
        `fairlead ${started.role} ${ended ? 'ended' : `did not answer ${path}`}; the end of its log:\n${tail}`,
      );
    }
    await delay(50);
  }
}

/** Our own NODE_OPTIONS or VAULT_* must not change what is tried. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { ...(PATH && { PATH }), ...(HOME && { HOME }) };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
