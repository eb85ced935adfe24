/** Runs Fairlead's three roles as processes of this machine, each with its own ServiceAccount. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CERTIFICATE_SECRET, DEFAULT_SYSTEM_NAMESPACE } from '../src/api/names.ts';
import type { Role } from '../src/config.ts';
import { accountKubeconfig, install, kubectl, type Target } from './install.ts';

const MAIN = new URL('../src/main.ts', import.meta.url).pathname;

export interface FairleadOptions {
  readonly target: Target;
  /** Kubeconfigs, certificate and logs go here. */
  readonly dir: string;
  readonly vaultHosts: readonly string[];
  readonly flags?: readonly string[];
  /** Keep running when this process ends (the demo). */
  readonly detached?: boolean;
}

export interface RoleProcess {
  readonly role: Role;
  readonly pid: number;
  readonly logFile: string;
  /** Base URL of /healthz, /readyz and /metrics. */
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
  /** False: a standby, of which only its life is waited for. */
  readonly ready?: boolean;
}

/** An installation whose roles can be stopped and started one by one. */
export class Fairlead {
  readonly #options: FairleadOptions;
  readonly #processes = new Map<string, RoleProcess>();
  readonly webhookPort: number;
  #starts = 0;

  private constructor(options: FairleadOptions, webhookPort: number) {
    this.#options = options;
    this.webhookPort = webhookPort;
  }

  /** Installs config/ and starts nothing. */
  static async install(options: FairleadOptions): Promise<Fairlead> {
    const port = await freePort();
    await mkdir(join(options.dir, 'certificate'), { recursive: true, mode: 0o700 });
    await install(options.target, `https://${options.target.hostAddress}:${port}`);
    return new Fairlead(options, port);
  }

  /** Starts all three roles and waits until pods can be admitted and delivered to. */
  async start(): Promise<void> {
    await this.startRole('certificates');
    await this.syncCertificate();
    await Promise.all([this.startRole('admission'), this.startRole('controller')]);
  }

  /** Starts one role; a second one of the same role needs a name of its own. Resolves when it is ready. */
  async startRole(
    role: Role,
    { name = role, flags = [], ready = true }: StartOptions = {},
  ): Promise<RoleProcess> {
    const { dir, target } = this.#options;
    const healthPort = await freePort();
    const kubeconfig =
      role === 'admission' ? [] : ['--kubeconfig', await accountKubeconfig(target, `fairlead-${role}`, dir)];
    const args = [
      ...['--disable-sigusr1', '--report-exclude-env', '--optimize-for-size', MAIN],
      ...['--role', role, '--identity', name, '--health-address', `127.0.0.1:${healthPort}`],
      ...kubeconfig,
      ...[
        '--webhook-address',
        `${target.hostAddress}:${this.webhookPort}`,
        '--webhook-names',
        target.hostAddress,
      ],
      ...['--certificate-dir', join(dir, 'certificate'), '--vault-hosts', this.#options.vaultHosts.join(',')],
      ...['--allow-http-vault', 'true'],
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
    await untilAnswers(started, ready ? '/readyz' : '/healthz');
    return started;
  }

  process(name: string): RoleProcess {
    const found = this.#processes.get(name);
    if (!found) throw new Error(`no process ${name}`);
    return found;
  }

  get processes(): readonly RoleProcess[] {
    return [...this.#processes.values()];
  }

  /** Does what the kubelet does for a mounted Secret: brings the certificate into the admission's directory. */
  async syncCertificate(): Promise<void> {
    const { dir, target } = this.#options;
    const deadline = performance.now() + 20_000;
    for (;;) {
      const json = await kubectl(target, [
        'get',
        'secret',
        CERTIFICATE_SECRET,
        '-n',
        DEFAULT_SYSTEM_NAMESPACE,
        '-o',
        'json',
        '--ignore-not-found',
      ]);
      const data = json ? (JSON.parse(json) as { data: Record<string, string> }).data : {};
      if (data['tls.crt'] && data['tls.key']) {
        for (const file of ['tls.key', 'tls.crt']) {
          const path = join(dir, 'certificate', file);
          await writeFile(`${path}.new`, Buffer.from(data[file] ?? '', 'base64'), { mode: 0o600 });
          await rename(`${path}.new`, path);
        }
        return;
      }
      if (performance.now() > deadline)
        throw new Error(`the certificates role wrote no Secret ${CERTIFICATE_SECRET}`);
      await delay(100);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map(async (running) => running.stop()));
    this.#processes.clear();
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
  // Several times what an idle machine needs: tests share theirs with others.
  const deadline = performance.now() + 90_000;
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
