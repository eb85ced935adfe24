import type { RequestOptions } from '../../src/kube/client.ts';
import type { Clock } from '../../src/kube/clock.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { ByteStream } from '../../src/kube/stream.ts';

/** An open watch: what the test sends into it. */
export class Watch implements ByteStream {
  readonly query: RequestOptions['query'];
  closed = false;
  #queue: (Buffer | KubeError | undefined)[] = [];
  #wake: (() => void) | undefined;

  constructor(query: RequestOptions['query']) {
    this.query = query;
  }

  send(type: string, object: object): void {
    this.#put(Buffer.from(`${JSON.stringify({ type, object })}\n`));
  }

  bookmark(version: string): void {
    this.send('BOOKMARK', { metadata: { resourceVersion: version } });
  }

  end(): void {
    this.#put(undefined);
  }

  close(failure?: KubeError): void {
    this.closed = true;
    this.#put(failure);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      while (this.#queue.length > 0) {
        const item = this.#queue.shift();
        if (item === undefined) return;
        if (item instanceof KubeError) throw item;
        yield item;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #put(item: Buffer | KubeError | undefined): void {
    this.#queue.push(item);
    this.#wake?.();
  }
}

/** An API server that follows a script, on a clock that the test turns. */
export class ScriptedApi {
  /** What comes next: an error, or `ok`. Without a script everything is. */
  script: (KubeError | 'ok')[] = [];
  /** What a list holds; its version is 10. */
  objects: object[] = [];
  /** `list at 0`, `watch 10 at 400`: version and milliseconds. */
  readonly asked: string[] = [];
  readonly watches: Watch[] = [];
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  get latest(): Watch {
    const watch = this.watches.at(-1);
    if (!watch) throw new Error('no watch was opened');
    return watch;
  }

  readonly client = {
    request: async <T>(): Promise<T> => {
      this.#step('list');
      return { kind: 'PodList', metadata: { resourceVersion: '10' }, items: this.objects } as T;
    },
    stream: async ({ query, signal }: Omit<RequestOptions, 'method'>): Promise<Watch> => {
      this.#step(`watch ${query?.['resourceVersion']}`);
      const watch = new Watch(query);
      const stopped = new KubeError({ code: 'Aborted', message: 'aborted' });
      signal?.addEventListener('abort', () => watch.close(stopped));
      this.watches.push(watch);
      return watch;
    },
  };

  #step(what: string): void {
    this.asked.push(`${what} at ${Math.round(this.#clock.now())}`);
    const next = this.script.shift();
    if (next instanceof KubeError) throw next;
  }
}
