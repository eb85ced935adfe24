import { readRequestHeader, REQUEST_HEADER_CONFIG_MAP } from '../aggregation/request-header.ts';
import type { RequestHeaderConfig, RequestHeaderRead } from '../aggregation/request-header.ts';
import { RESOURCES } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';
import { Reflector, type ReflectorHooks } from '../kube/reflector.ts';
import type { Logger } from '../observe/log.ts';
import type { Clock } from '../runtime/clock.ts';

interface Options {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly hooks: ReflectorHooks;
  readonly log: Logger;
}

type Published = KubeObject & { readonly data?: Readonly<Record<string, unknown>> };

/** What kube-apiserver publishes about its front proxy, kept current. While it is unusable nobody is believed. */
export class FrontProxy {
  readonly reflector: Reflector<Published>;
  readonly #log: Logger;
  #read: RequestHeaderRead = { kind: 'unusable', why: 'it was not read yet' };
  #ca = '';
  readonly #onCa = new Set<(ca: string) => void>();

  constructor({ client, clock, hooks, log }: Options) {
    this.#log = log;
    const { namespace, name } = REQUEST_HEADER_CONFIG_MAP;
    this.reflector = new Reflector<Published>({
      ...{ client, clock, hooks, name: 'frontproxy', resource: RESOURCES.configMaps, namespace },
      fieldSelector: `metadata.name=${name}`,
      project: (raw) => ({ metadata: raw.metadata, data: (raw as Published).data ?? {} }),
    });
    this.reflector.onChange(() => this.#changed());
    this.reflector.synced.then(
      () => this.#changed(),
      () => undefined,
    );
  }

  config(): RequestHeaderConfig | undefined {
    return this.#read.kind === 'config' ? this.#read.config : undefined;
  }

  problem(): string | undefined {
    if (this.#read.kind === 'config') return undefined;
    const { namespace, name } = REQUEST_HEADER_CONFIG_MAP;
    return `ConfigMap ${namespace}/${name}: ${this.#read.why}`;
  }

  /** The authorities as they are known now. */
  get ca(): string {
    return this.#ca;
  }

  /** The authorities, once they are known; '' if the signal is aborted before. */
  async first(signal: AbortSignal): Promise<string> {
    if (this.#ca !== '' || signal.aborted) return this.#ca;
    return new Promise((resolve) => {
      const done = () => {
        off();
        signal.removeEventListener('abort', done);
        resolve(this.#ca);
      };
      const off = this.onCa(done);
      signal.addEventListener('abort', done);
    });
  }

  /** Calls back with the authorities whenever they change; what it returns unsubscribes. */
  onCa(callback: (ca: string) => void): () => void {
    this.#onCa.add(callback);
    return () => this.#onCa.delete(callback);
  }

  #changed(): void {
    const { namespace, name } = REQUEST_HEADER_CONFIG_MAP;
    const before = this.problem();
    this.#read = readRequestHeader(this.reflector.get(`${namespace}/${name}`)?.data);
    const problem = this.problem();
    if (problem !== undefined && problem !== before)
      this.#log.error({ problem }, 'no caller can be believed');
    if (this.#read.kind !== 'config' || this.#read.config.ca === this.#ca) return;
    this.#ca = this.#read.config.ca;
    for (const callback of this.#onCa) callback(this.#ca);
  }
}
