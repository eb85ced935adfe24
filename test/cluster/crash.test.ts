import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/cluster.ts';
import { platform, reference, type Platform } from '../support/platform.ts';

let p: Platform;
let namespace: string;
beforeAll(async () => {
  p = await platform('crash');
  namespace = await p.namespace('crash');
  await p.store('crash', { a: 'one' });
  await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/crash/a' }));
});
afterAll(async () => p?.stop());

/** A policy of the test's own that keeps the controller from lifting gates: between the two calls of a pass. */
const stop = (name: string) => [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['UPDATE'] },
        ],
      },
      validations: [
        { expression: "!request.userInfo.username.endsWith(':fairlead-controller')", message: 'not now' },
      ],
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'] },
  },
];
const open = async (name: string) =>
  p.k.run('delete', 'validatingadmissionpolicy,validatingadmissionpolicybinding', name, '--ignore-not-found');

describe('Fairlead killed between creating the Secret and lifting the gate', () => {
  it('leaves the rest to the next leader, and nothing is created twice', async () => {
    await p.k.apply(...stop('crash-test'));
    // A policy takes a moment to bite: try until a pod is held by it.
    const held = await until('a pod that has its Secret but still its gate', async () => {
      const name = `driver-${Date.now()}`;
      await p.pod(namespace, name);
      return until('its Secret', async () => {
        const pod = await p.getPod(namespace, name);
        const delivery = pod.metadata.labels['fairlead.dev/delivery'];
        const secret = await p.k.get('secret', namespace, delivery);
        if (!secret) throw new Error('no Secret yet');
        if (!pod.spec.schedulingGates) return { pod, secret, late: true };
        return { pod, secret, late: false };
      }).then((seen) => !seen.late && seen);
    });
    await p.fairlead.process('controller').kill();
    expect((await p.getPod(namespace, held.pod.metadata.name)).spec.schedulingGates).toEqual([
      { name: 'fairlead.dev/secrets' },
    ]);
    // The value changes meanwhile: the snapshot that was taken stays.
    await p.store('crash', { a: 'two' });
    await open('crash-test');

    await p.fairlead.startRole('controller', { name: 'controller-next' });
    const pod = await p.released(namespace, held.pod.metadata.name);
    expect(pod.metadata.annotations['fairlead.dev/delivered']).toBe(held.secret.metadata.name);
    const secrets = await p.k.list(
      'secrets',
      namespace,
      `-l=fairlead.dev/delivery=${held.secret.metadata.name}`,
    );
    expect(secrets.map(({ metadata }) => metadata.uid)).toEqual([held.secret.metadata.uid]);
    expect(await p.delivered(namespace, pod.metadata.name)).toEqual({ A: 'one' });
  });
});

describe('two controllers', () => {
  it('one waits, and takes over when the other one ends; a leader that ends in order hands over at once', async () => {
    const standby = await p.fairlead.startRole('controller', { name: 'standby', ready: false });
    await p.pod(namespace, 'before');
    await p.released(namespace, 'before');
    await p.fairlead.process('controller-next').stop();
    await p.pod(namespace, 'after');
    await p.released(namespace, 'after', 3_000);
    expect(await standby.stop()).toBe(0);
  });

  it('a leader that is paused past its lease loses it, does nothing more and ends with an error', async () => {
    const first = await p.fairlead.startRole('controller', { name: 'first' });
    await p.pod(namespace, 'one');
    await p.released(namespace, 'one');
    const second = await p.fairlead.startRole('controller', { name: 'second', ready: false });
    first.signal('SIGSTOP');
    await p.pod(namespace, 'two');
    await p.released(namespace, 'two');
    first.signal('SIGCONT');
    expect(await first.exited).not.toBe(0);
    await p.pod(namespace, 'three');
    await p.released(namespace, 'three');
    expect(await second.stop()).toBe(0);
  });
});
