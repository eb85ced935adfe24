import { describe, expect, it } from 'vitest';
import { deliverySecret } from './delivery.ts';
import { deliveryName, isDeliveryName } from './name.ts';

const owner = { namespace: 'team-a', name: 'driver', uid: 'pod-uid' };
const name = deliveryName('0a1b2c3d-0000-4000-8000-000000000000');

describe('the delivery', () => {
  const secret = deliverySecret(owner, name, new Map([['DB_PASSWORD', Buffer.from(' p\n"$🔑')]]), [
    'VAULT/v@3',
    'KUBERNETES/m',
  ]);

  it('is an immutable Secret of our type in the namespace of its pod', () => {
    expect(secret).toMatchObject({
      kind: 'Secret',
      type: 'fairlead.dev/delivery',
      immutable: true,
      metadata: { name, namespace: 'team-a' },
    });
  });

  it('belongs to the pod alone and does not hold up its deletion', () => {
    expect(secret.metadata.ownerReferences).toEqual([
      {
        apiVersion: 'v1',
        kind: 'Pod',
        name: 'driver',
        uid: 'pod-uid',
        controller: false,
        blockOwnerDeletion: false,
      },
    ]);
  });

  it('carries the values byte for byte', () => {
    expect(Buffer.from(secret.data['DB_PASSWORD'] ?? '', 'base64').toString()).toBe(' p\n"$🔑');
  });

  it('is found by its label and says where its values came from', () => {
    expect(secret.metadata.labels).toMatchObject({ 'fairlead.dev/delivery': name });
    expect(secret.metadata.annotations).toEqual({ 'fairlead.dev/sources': 'VAULT/v@3,KUBERNETES/m' });
  });

  it('takes a variable called __proto__ as a name like any other', () => {
    const { data } = deliverySecret(owner, name, new Map([['__proto__', Buffer.from('x')]]), []);
    expect(JSON.parse(JSON.stringify(data))).toHaveProperty('__proto__', 'eA==');
    expect(Object.keys(data)).toEqual(['__proto__']);
  });
});

describe('its name', () => {
  it('comes from the admission request and fits a label value', () => {
    expect(name).toBe('fairlead-d-0a1b2c3d-0000-4000-8000-000000000000');
    expect(name.length).toBeLessThanOrEqual(63);
  });

  it.each([
    [name, true],
    ['fairlead-d', false],
    ['other', false],
    [undefined, false],
  ])('is told from others: %s', (candidate, ours) => {
    expect(isDeliveryName(candidate)).toBe(ours);
  });
});
