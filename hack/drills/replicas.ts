/** Two replicas of admission and of the controller, as Deployments would keep them. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningCluster } from '../cluster/index.ts';
import { freePort, type Fairlead, type RoleProcess } from '../fairlead.ts';
import { accountKubeconfig } from '../install.ts';
import { balancer, wire, type Balancer, type Wire } from './tcp.ts';

export type Replicated = 'admission' | 'controller';

export interface Replica {
  readonly name: string;
  readonly process: RoleProcess;
  /** Between a controller and the API server. */
  readonly wire: Wire | undefined;
}

export class Replicas {
  readonly #fairlead: Fairlead;
  readonly #cluster: RunningCluster;
  readonly #dir: string;
  readonly balancer: Balancer;
  readonly #running: Record<Replicated, Replica[]> = { admission: [], controller: [] };
  /** Those that are stopped in order: nobody starts them again. */
  readonly #leaving = new Set<Replica>();
  readonly #restarts: Promise<void>[] = [];
  #ending = false;
  #count = 0;

  private constructor(fairlead: Fairlead, cluster: RunningCluster, dir: string, service: Balancer) {
    this.#fairlead = fairlead;
    this.#cluster = cluster;
    this.#dir = dir;
    this.balancer = service;
  }

  /** Starts two of each behind the address that the webhook configuration names. */
  static async start(fairlead: Fairlead, cluster: RunningCluster, dir: string): Promise<Replicas> {
    const service = await balancer(cluster.hostAddress, fairlead.webhookPort);
    const replicas = new Replicas(fairlead, cluster, dir, service);
    await Promise.all([replicas.add('admission'), replicas.add('admission'), replicas.add('controller')]);
    await replicas.add('controller');
    return replicas;
  }

  of(role: Replicated): readonly Replica[] {
    return [...this.#running[role]];
  }

  /** One more, ready. */
  async add(role: Replicated, flags: readonly string[] = []): Promise<Replica> {
    const name = `${role}-${++this.#count}`;
    const replica = await (role === 'admission'
      ? this.#admission(name, flags)
      : this.#controller(name, flags));
    this.#running[role].push(replica);
    void replica.process.exited.then(() => {
      if (!this.#ending && !this.#leaving.has(replica)) this.#restarts.push(this.#restart(replica, flags));
    });
    return replica;
  }

  async #admission(name: string, flags: readonly string[]): Promise<Replica> {
    const port = await freePort();
    const own = ['--webhook-address', `${this.#cluster.hostAddress}:${port}`, ...flags];
    const process = await this.#fairlead.startRole('admission', { name, flags: own });
    this.balancer.add({ name, port, health: process.health });
    return { name, process, wire: undefined };
  }

  async #controller(name: string, flags: readonly string[]): Promise<Replica> {
    const { hostAddress, server } = this.#cluster;
    const through = await wire(hostAddress, Number(new URL(server).port));
    const own = join(this.#dir, name);
    const path = await accountKubeconfig(this.#cluster, 'fairlead-controller', own);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replaceAll(server, `https://${hostAddress}:${through.port}`), { mode: 0o600 });
    const process = await this.#fairlead.startRole('controller', {
      name,
      flags: ['--kubeconfig', path, ...flags],
    });
    return { name, process, wire: through };
  }

  /** SIGTERM; the Service finds out by its readiness, a moment later. Resolves to the exit code. */
  async stop(replica: Replica): Promise<number | null> {
    this.#leaving.add(replica);
    const code = await replica.process.stop();
    this.#forget(replica);
    await replica.wire?.close();
    return code;
  }

  /** What the kubelet does with one that ended by itself: starts it again, until it is ready. */
  async #restart(replica: Replica, flags: readonly string[]): Promise<void> {
    const { role } = replica.process;
    this.#forget(replica);
    await replica.wire?.close();
    while (!this.#ending) {
      const added = await this.add(role as Replicated, flags).catch(() => undefined);
      if (added) return;
      // The API server may be away.
      await delay(500);
    }
  }

  /** Once all that ended are replaced; resolves to how many there have been since the start. */
  async restarted(): Promise<number> {
    let count: number;
    do {
      count = this.#restarts.length;
      await Promise.all(this.#restarts);
    } while (count < this.#restarts.length);
    return count;
  }

  /** A rolling update: for each replica one more that is ready, and then one less. Resolves to the exit codes. */
  async roll(role: Replicated): Promise<(number | null)[]> {
    const codes: (number | null)[] = [];
    for (const old of this.of(role)) {
      await this.add(role);
      codes.push(await this.stop(old));
    }
    return codes;
  }

  #forget({ name, process: { role } }: Replica): void {
    this.balancer.remove(name);
    const running = this.#running[role as Replicated];
    running.splice(0, running.length, ...running.filter((one) => one.name !== name));
  }

  /** Whoever ends from now on is not started again. */
  end(): void {
    this.#ending = true;
  }

  /** Once the processes have ended. */
  async close(): Promise<void> {
    this.end();
    await this.balancer.close();
    await Promise.all(this.#running.controller.map(async (replica) => replica.wire?.close()));
  }
}
