import type { Caller } from '../../aggregation/resource.ts';
import type { Integration } from '../../controllers/objects.ts';
import type { NamedSource as Source } from '../../api/secret-reference.ts';
import type { SecretKeyDependencies } from './deps.ts';
import type { Reads } from './reads.ts';
import type { PageBuilder } from './page-builder.ts';
import { useOf } from './rights.ts';
import { may } from '../may.ts';
import { integrationsOf, liveStoreKeys, storesOf, watchedStoreKeys } from './sources.ts';
import type { VaultNames } from './vault-names.ts';

/** Integrations that are asked about, and read, at once. */
const AT_ONCE = 8;
/** Then no more are begun: one that hangs takes 3 s, and many must not take minutes. */
const BUDGET_MS = 10_000;

export interface ListingOptions {
  readonly caller: Caller;
  readonly signal: AbortSignal;
  readonly page: PageBuilder;
  readonly reads: Reads;
  /** Just one key is asked for: stores are read anew. */
  readonly isByName: boolean;
}

/** Fills a page, namespace by namespace. Each integration is asked about, and each source read, at most once. */
export class Listing {
  readonly warnings = new Set<string>();
  /** How many integrations could not be read. */
  unread = 0;
  readonly #options: ListingOptions;
  readonly #deps: SecretKeyDependencies;
  readonly #deadline: number;
  /** By domain. */
  readonly #integrations = new Map<string, readonly Integration[]>();
  readonly #mayUse = new Map<string, Promise<boolean>>();
  readonly #names = new Map<string, Promise<VaultNames>>();
  readonly #stores = new Map<string, Promise<readonly string[]>>();

  constructor(options: ListingOptions, deps: SecretKeyDependencies) {
    this.#options = options;
    this.#deps = deps;
    this.#deadline = deps.clock.now() + BUDGET_MS;
  }

  async add(namespace: string, domain: string): Promise<void> {
    const { page } = this.#options;
    for (const source of storesOf(domain).filter((one) => page.covers(namespace, one))) {
      if (page.isFull) return page.leave();
      page.add(namespace, source, await this.#storeKeys(source.id));
    }
    const open = memo(this.#integrations, domain, () => integrationsOf(domain, this.#deps.world)).filter(
      (one) => page.covers(namespace, sourceOf(one)),
    );
    for (let i = 0; i < open.length && !page.hasMore; i += AT_ONCE) {
      if (page.isFull) return page.leave();
      await this.#addUsable(namespace, open.slice(i, i + AT_ONCE));
    }
  }

  async #addUsable(namespace: string, some: readonly Integration[]): Promise<void> {
    const { page } = this.#options;
    const answers = await Promise.all(some.map(async (one) => this.#isUsable(one.metadata.name)));
    let rest = some.filter((_, i) => answers[i]);
    while (rest.length > 0 && !page.hasMore) {
      if (page.isFull) return page.leave();
      const batch = needed(rest, page.room);
      const read = await Promise.all(batch.map(async (one) => this.#read(one)));
      batch.forEach((one, i) => this.#tell(namespace, one, read[i]));
      rest = rest.slice(batch.length);
    }
  }

  #tell(namespace: string, one: Integration, found: VaultNames | undefined): void {
    const { name } = one.metadata;
    if (found?.kind === 'names') {
      this.#options.page.add(namespace, sourceOf(one), found.names);
      const left = found.unnameable;
      if (left > 0) this.warnings.add(`VaultIntegration ${name}: ${left} keys that no reference can name`);
    } else if (found) this.warnings.add(`VaultIntegration ${name}: ${found.reason}: ${found.message}`);
  }

  async #storeKeys(id: string): Promise<readonly string[]> {
    const { isByName, reads, signal } = this.#options;
    if (!isByName) return watchedStoreKeys(id, this.#deps);
    return memo(this.#stores, id, async () => liveStoreKeys(id, reads.live, signal, this.#deps));
  }

  async #isUsable(id: string): Promise<boolean> {
    const { caller, signal } = this.#options;
    const question = useOf(id, this.#deps.systemNamespace);
    return memo(this.#mayUse, id, async () => may(caller, question, signal, this.#deps));
  }

  async #read(integration: Integration): Promise<VaultNames> {
    const { reads, signal } = this.#options;
    const patience = { deadline: this.#deadline, signal };
    return memo(this.#names, integration.metadata.name, async () => {
      const found = await reads.names.of(integration, patience);
      if (found.kind === 'unread') this.unread += 1;
      return found;
    });
  }
}

/** As many as the page needs, going by how many keys they had when they were last checked; at least one. */
function needed(integrations: readonly Integration[], room: number | undefined): readonly Integration[] {
  if (room === undefined) return integrations;
  let expected = 0;
  const end = integrations.findIndex(({ status }) => {
    if (expected >= room) return true;
    expected += status?.keyCount ?? room;
    return false;
  });
  return end < 0 ? integrations : integrations.slice(0, end);
}

function sourceOf({ metadata }: Integration): Source {
  return { type: 'VAULT', id: metadata.name };
}

function memo<T>(known: Map<string, T>, key: string, make: () => T): T {
  const there = known.get(key);
  if (there !== undefined) return there;
  const made = make();
  known.set(key, made);
  return made;
}
