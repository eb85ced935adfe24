import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import {
  AUDIT_KEY_SECRET,
  CERTIFICATE_SECRET,
  KEYS_CERTIFICATE_SECRET,
  LEGACY_SPARK_CONFIGURATION,
  WEBHOOK_CONFIGURATION,
} from '../api/names.ts';
import { KubeError } from '../kube/errors.ts';
import type { ObjectRef, Resource } from '../kube/objects.ts';
import { lookAfterAll } from './certificates.ts';

const config = {
  systemNamespace: 'sys',
  webhookService: 'hook',
  webhookNames: [],
  manageWebhookCertificate: true,
  keysService: 'keys',
};
const signal = new AbortController().signal;

/** A leader whose Role does not let it at these Secrets. */
function leader(settings = config) {
  const forbidden = new Set<string>();
  const tries: string[] = [];
  const made = new Set<string>();
  const touch = (name: string) => {
    if (forbidden.has(name)) throw new KubeError({ code: 'Forbidden', message: 'x' });
  };
  const client = {
    get: async ({ plural }: Resource, { name }: ObjectRef) => {
      touch(name);
      if (plural === 'secrets') throw new KubeError({ code: 'NotFound', message: 'x' });
      return { metadata: { name }, webhooks: [], spec: {} };
    },
    create: async (_: Resource, { metadata: { name } }: { metadata: { name: string } }) => {
      tries.push(name);
      touch(name);
      made.add(name);
    },
    patch: async () => undefined,
  };
  const warned: object[] = [];
  const log = { info: () => undefined, warn: (fields: object) => void warned.push(fields) };
  const clock = new FakeClock();
  const look = lookAfterAll(settings, log, clock);
  return { look: async () => look(client as never, signal), forbidden, tries, made, warned, clock };
}

describe('what the certificates role looks after', () => {
  it('is the key of the audit first, then the certificates', async () => {
    const { look, tries } = leader();
    expect(await look()).toBeUndefined();
    expect(tries).toEqual([AUDIT_KEY_SECRET, CERTIFICATE_SECRET, KEYS_CERTIFICATE_SECRET]);
  });

  it('is not the certificate of the webhook if somebody else looks after that: it is not even read', async () => {
    const { look, forbidden, tries } = leader({ ...config, manageWebhookCertificate: false });
    forbidden.add(CERTIFICATE_SECRET).add(WEBHOOK_CONFIGURATION).add(LEGACY_SPARK_CONFIGURATION);
    expect(await look()).toBeUndefined();
    expect(tries).toEqual([AUDIT_KEY_SECRET, KEYS_CERTIFICATE_SECRET]);
  });

  it.each([AUDIT_KEY_SECRET, CERTIFICATE_SECRET, KEYS_CERTIFICATE_SECRET])(
    'is all the rest if %s is forbidden, and that is told',
    async (name) => {
      const { look, forbidden, made, warned } = leader();
      forbidden.add(name);
      expect(await look()).toBe(`${name}: Forbidden`);
      expect(made).toEqual(
        new Set(
          [AUDIT_KEY_SECRET, CERTIFICATE_SECRET, KEYS_CERTIFICATE_SECRET].filter((one) => one !== name),
        ),
      );
      expect(warned).toMatchObject([{ secret: name }]);
    },
  );

  it('is the webhook configuration of legacy Spark if there is one: with an older config/rbac it counts as absent', async () => {
    const { look, forbidden, made } = leader();
    forbidden.add(LEGACY_SPARK_CONFIGURATION);
    expect(await look()).toBeUndefined();
    expect(made).toContain(CERTIFICATE_SECRET);
    forbidden.add(WEBHOOK_CONFIGURATION);
    expect(await look()).toBe(`${CERTIFICATE_SECRET}: Forbidden`);
  });

  it('is told of until it is there: the key is tried again at once, and then once a minute', async () => {
    const { look, forbidden, tries, clock } = leader();
    const keyTries = () => tries.filter((name) => name === AUDIT_KEY_SECRET).length;
    forbidden.add(AUDIT_KEY_SECRET);
    await look();
    expect(await look()).toBe(`${AUDIT_KEY_SECRET}: Forbidden`);
    forbidden.clear();
    expect([await look(), await look(), keyTries()]).toEqual([undefined, undefined, 3]);
    await clock.advance(60_000);
    await look();
    expect(keyTries()).toBe(4);
  });
});
