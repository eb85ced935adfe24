import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/aggregation/resource.ts';
import { until } from '../support/cluster.ts';
import { caller, keysLab, type KeysLab, type KeysReplica } from '../support/keys-lab.ts';

let lab: KeysLab;
let one: KeysReplica;
let ann: Caller;
beforeAll(async () => {
  lab = await keysLab('keys-refused');
  ann = await lab.writer('keys-refused-ann', ['ks-going', 'ks-moved', 'ks-far']);
  one = await lab.replica();
});
afterAll(async () => lab?.stop());

/** The global store is whoever's; other tests may have left keys in it. */
const OWN = { field: 'source.id', equals: false, value: 'global' };
const nameOf = (domain: string, key: string) => `kubernetes:${domain}:${key}`;

describe('nothing is written', () => {
  const write = async (namespace: string, domain: string, who = ann) =>
    one.put(who, namespace, nameOf(domain, 'refused'), 'planted');

  it('by those who do not hold the verb write on the domain', async () => {
    const namespace = await lab.namespace('ks-far');
    await expect(write(namespace, 'ks-far', caller('keys-nobody'))).rejects.toMatchObject({
      code: 'Forbidden',
      message: expect.stringContaining('the verb write on domains.fairlead.dev/ks-far'),
    });
    const name = nameOf('ks-far', 'a');
    await expect(one.call('delete', caller('keys-nobody'), { namespace, name })).rejects.toMatchObject({
      code: 'Forbidden',
    });
  });

  it('from a namespace without a domain, for the global store, or for another domain', async () => {
    const without = await lab.namespace();
    await expect(write(without, 'ks-far')).rejects.toMatchObject({ code: 'Forbidden' });
    const namespace = await lab.namespace('ks-far');
    await expect(write(namespace, 'global')).rejects.toMatchObject({ code: 'Forbidden' });
    await expect(write(namespace, 'ks-writers')).rejects.toMatchObject({ code: 'Forbidden' });
  });

  it('for the old domain once a namespace was moved, and its keys are not listed any more', async () => {
    const namespace = await lab.namespace('ks-moved');
    await write(namespace, 'ks-moved');
    expect((await one.call('list', ann, { namespace, fieldSelector: [OWN] })).items).toHaveLength(1);
    await lab.k.run('label', 'namespace', namespace, 'fairlead.dev/domain=ks-far', '--overwrite');
    await expect(write(namespace, 'ks-moved')).rejects.toMatchObject({ code: 'Forbidden' });
    const { items } = await until(
      'the list of the new domain',
      async () => {
        const list = await one.call('list', ann, { namespace, fieldSelector: [OWN] });
        return list.items.length === 0 && list;
      },
      { timeoutMs: 2_500 },
    );
    expect(items).toEqual([]);
  });

  it('from a namespace that is being deleted: its domain keeps every key', async () => {
    const domain = 'ks-going';
    const namespace = await lab.namespace(domain);
    await one.put(ann, namespace, nameOf(domain, 'a'), 'x');
    const held = { name: 'held', namespace, finalizers: ['fairlead.dev/test'] };
    await lab.k.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: held });
    await lab.k.run('delete', 'namespace', namespace, '--wait=false');
    const name = nameOf(domain, 'a');
    for (const who of [ann, caller('system:serviceaccount:kube-system:namespace-controller')]) {
      await expect(one.call('delete', who, { namespace, name })).rejects.toMatchObject({ code: 'Forbidden' });
    }
    await expect(write(namespace, domain)).rejects.toMatchObject({ code: 'Forbidden' });
    await lab.k.run(
      'patch',
      'configmap',
      'held',
      '-n',
      namespace,
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    );
    await until('the namespace to be gone', async () => !(await lab.k.get('namespace', '', namespace)));
    expect(await lab.stored(domain)).toEqual({ a: 'x' });
  });
});

it('the audit has what was refused, and why', async () => {
  await one.stop();
  const { text, lines, verdict } = await lab.audit();
  expect(verdict).toBe('whole');
  expect(text).not.toContain('planted');
  for (const reason of ['NamespaceTerminating', 'CleanerRefused']) {
    expect(lines).toContainEqual(
      expect.objectContaining({ action: 'delete-key', outcome: 'refused', reason }),
    );
  }
  for (const reason of ['WriteForbidden', 'DomainMissing', 'DomainForbidden', 'ReadOnly']) {
    expect(lines).toContainEqual(
      expect.objectContaining({ action: 'write-key', outcome: 'refused', reason }),
    );
  }
});
