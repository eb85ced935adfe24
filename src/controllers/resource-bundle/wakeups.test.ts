import { beforeEach, describe, expect, it } from 'vitest';
import type { World } from '../world.ts';
import { wireBundles } from './wakeups.ts';

interface Seen {
  readonly metadata: {
    readonly name: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: object;
}
type Handler = (change: { type: string; object: Seen; old?: Seen }) => void;

function cache(...objects: Seen[]) {
  const handlers = new Set<Handler>();
  return {
    list: () => objects,
    onChange: (handler: Handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    send: (type: string, object: Seen, old?: Seen) =>
      handlers.forEach((handler) => handler({ type, object, ...(old && { old }) })),
  };
}

const finance = (generation = 1, more: object = {}): Seen => ({
  metadata: { name: 'finance', generation, ...more },
});
const member = (resourceBundle?: string): Seen => ({
  metadata: { name: 'vault-prod' },
  spec: resourceBundle === undefined ? {} : { resourceBundle },
});
const named = (name: string): Seen => ({ metadata: { name } });

type Caches = Record<'bundles' | 'integrations' | 'roles' | 'roleBindings', ReturnType<typeof cache>>;
let caches: Caches;
let added: string[];
let close: () => void;
const wire = (present: Partial<Caches> = {}) => {
  caches = { bundles: cache(), integrations: cache(), roles: cache(), roleBindings: cache(), ...present };
  added = [];
  close = wireBundles(caches as unknown as World, 'sys', { add: (key) => void added.push(key) });
};
beforeEach(() => wire());

describe('a bundle is looked at when', () => {
  it.each<[string, () => void, string[]]>([
    ['it is made', () => caches.bundles.send('added', finance()), ['sys/finance']],
    ['its spec changes', () => caches.bundles.send('updated', finance(2), finance(1)), ['sys/finance']],
    ['it is gone', () => caches.bundles.send('deleted', finance()), ['sys/finance']],
    [
      'it is on its way out',
      () => caches.bundles.send('updated', finance(1, { deletionTimestamp: 'now' }), finance(1)),
      ['sys/finance'],
    ],
    ['its status alone changes: not', () => caches.bundles.send('updated', finance(1), finance(1)), []],
    ['an integration joins it', () => caches.integrations.send('added', member('finance')), ['sys/finance']],
    [
      'an integration leaves it',
      () => caches.integrations.send('deleted', member('finance')),
      ['sys/finance'],
    ],
    [
      'an integration comes back in another one: both',
      () => caches.integrations.send('updated', member('sales'), member('finance')),
      ['sys/finance', 'sys/sales'],
    ],
    [
      'an integration changes otherwise: not',
      () => caches.integrations.send('updated', member('finance'), member('finance')),
      [],
    ],
    ['an integration without a bundle comes: not', () => caches.integrations.send('added', member()), []],
    [
      'its Role changes',
      () => caches.roles.send('updated', named('fairlead-bundle-finance-use')),
      ['sys/finance'],
    ],
    [
      'its binding goes',
      () => caches.roleBindings.send('deleted', named('fairlead-bundle-finance-view')),
      ['sys/finance'],
    ],
    [
      'a Role of somebody else changes: not',
      () => caches.roles.send('updated', named('fairlead-controller')),
      [],
    ],
  ])('%s', (_, change, keys) => {
    change();
    expect(added).toEqual(keys);
  });

  it('Fairlead starts, and so are those of which only the Roles are left', () => {
    const bundle = { metadata: { ...finance().metadata, namespace: 'sys' } };
    wire({
      bundles: cache(bundle),
      roles: cache(named('fairlead-bundle-gone-use'), named('other')),
      roleBindings: cache(named('fairlead-bundle-gone-view')),
    });
    expect(added).toEqual(['sys/finance', 'sys/gone', 'sys/gone']);
  });

  it('not after the end', () => {
    close();
    caches.bundles.send('added', finance());
    expect(added).toEqual([]);
  });
});
