import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cluster, kube, scratch, until } from '../support/cluster.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const planted = [randomBytes(12).toString('hex'), randomBytes(12).toString('hex')] as const;

let p: Platform;
let namespace: string;
let dir: string;
let path: string;
beforeAll(async () => {
  dir = await scratch('audit');
  path = join(dir, 'audit.log');
  // What other tests wrote to other files is not missed here.
  await kube(await cluster()).remove('lease', SYSTEM, 'fairlead-audit');
  p = await platform('audit', { flags: ['--audit-log', path] });
  namespace = await p.namespace('audit');
  await p.store('audit', { a: planted[0] });
  await p.integration('audit-vault', { b: planted[1], other: 'x' }, { domains: ['audit'] });
  await p.integration('audit-foreign', { b: planted[1] }, { domains: ['elsewhere'] });
  await p.k.apply(
    reference('warehouse', namespace, { A: 'KUBERNETES/audit/a', B: 'VAULT/audit-vault/b' }),
    reference('foreign', namespace, { F: 'VAULT/audit-foreign/b' }),
  );
});
afterAll(async () => {
  await p?.stop();
  await rm(dir, { recursive: true, force: true });
});

interface Line {
  readonly chain: string;
  readonly seq: number;
  readonly action: string;
  readonly namespace?: string;
  readonly outcome?: string;
  readonly actor?: { readonly name: string };
  readonly [field: string]: unknown;
}

async function lines(): Promise<Line[]> {
  const text = await readFile(path, 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

/** The lines of a pod, once the last one has this outcome. */
async function linesOf(pod: string, outcome: string): Promise<Line[]> {
  return until(`${pod} to be ${outcome} in the audit`, async () => {
    const own = (await lines()).filter(({ actor, namespace: at }) => actor?.name === pod && at === namespace);
    return own.at(-1)?.outcome === outcome && own;
  });
}

/** `audit verify` as an administrator would run it, once the end is anchored. */
async function verify(file = path): Promise<{ readonly code: number | null; readonly text: string }> {
  const secret = await p.k.get('secret', SYSTEM, 'fairlead-audit-key');
  await writeFile(join(dir, 'key'), Buffer.from(secret.data.key, 'base64'));
  const anchor = await until('the end of the audit to be anchored', async () => {
    const lease = await p.k.get('lease', SYSTEM, 'fairlead-audit');
    const text = lease.metadata.annotations['fairlead.dev/audit-anchor'] as string;
    const { chain, seq } = JSON.parse(text) as Line;
    const last = (await lines()).at(-1);
    return last?.chain === chain && last.seq === seq && text;
  });
  await writeFile(join(dir, 'anchor'), anchor);
  const args = [file, '--key-file', join(dir, 'key'), '--anchor', join(dir, 'anchor')];
  const run = spawnSync(process.execPath, [MAIN, 'audit', 'verify', ...args], { encoding: 'utf8' });
  return { code: run.status, text: run.stdout + run.stderr };
}

/** A copy of the file with something done to its lines. */
async function tampered(how: (texts: string[]) => string[]): Promise<string> {
  const copy = join(dir, 'tampered.log');
  const texts = (await readFile(path, 'utf8')).trim().split('\n');
  await writeFile(copy, `${how(texts).join('\n')}\n`);
  return copy;
}

describe('a delivery in the audit', () => {
  it('is written down before it is made, entry by entry, and after', async () => {
    await p.pod(namespace, 'driver');
    const pod = await p.released(namespace, 'driver');
    const delivery = pod.metadata.annotations['fairlead.dev/delivered'] as string;
    const actor = {
      kind: 'pod',
      namespace,
      name: 'driver',
      uid: pod.metadata.uid as string,
      serviceAccount: 'default',
    };
    expect((await linesOf('driver', 'delivered')).map(({ action, outcome }) => [action, outcome])).toEqual([
      ['deliver', 'allowed'],
      ['resolve', 'allowed'],
      ['resolve', 'allowed'],
      ['deliver', 'delivered'],
    ]);
    const [whole, a, b] = await linesOf('driver', 'delivered');
    expect(whole).toMatchObject({ actor, namespace, reference: 'warehouse', delivery, variables: 2 });
    expect(a).toMatchObject({
      ...{ actor, reference: 'warehouse', entry: 'A', key: 'a', delivery },
      source: { type: 'KUBERNETES', id: 'audit' },
      path: `Secret ${SYSTEM}/iomete-secret-store-audit`,
    });
    expect(b).toMatchObject({
      ...{ entry: 'B', key: 'b', version: 1, source: { type: 'VAULT', id: 'audit-vault' } },
      path: `${p.vault.address}/v1/secret/data/audit-vault`,
    });
  });

  it('is refused with its reason, once, however often it is tried', async () => {
    await p.pod(namespace, 'thief', 'foreign');
    await p.waits(namespace, 'thief', 'DomainForbidden');
    await linesOf('thief', 'refused');
    // Something that wakes it, and something that comes behind it in the file.
    await p.k.run('annotate', 'secretreference', 'foreign', '-n', namespace, 'a.example/woken=yes');
    await p.pod(namespace, 'after-the-thief');
    await linesOf('after-the-thief', 'delivered');
    expect(await linesOf('thief', 'refused')).toMatchObject([
      {
        action: 'deliver',
        reason: 'DomainForbidden',
        entry: 'F',
        source: { type: 'VAULT', id: 'audit-foreign' },
      },
    ]);
    const checks = (await lines()).filter(
      ({ action, reference: name, actor }) =>
        action === 'resolve' && name === 'foreign' && actor?.name === 'fairlead-controller',
    );
    expect(checks.filter(({ outcome }) => outcome === 'refused')).toMatchObject([
      { reason: 'DomainForbidden' },
    ]);
  });

  it('is refused when the namespace was moved to another domain', async () => {
    const moved = await p.namespace('audit');
    await p.k.apply(reference('warehouse', moved, { A: 'KUBERNETES/audit/a' }));
    await p.k.run('label', 'namespace', moved, 'fairlead.dev/domain=elsewhere', '--overwrite');
    await p.pod(moved, 'moved');
    await p.waits(moved, 'moved', 'DomainForbidden');
    await until('the refusal', async () =>
      (await lines()).find(({ actor, outcome }) => actor?.name === 'moved' && outcome === 'refused'),
    );
  });
});

describe('audit verify', () => {
  it('finds nothing in what nobody touched', async () => {
    const { code, text } = await verify();
    expect([code, text]).toEqual([0, expect.stringContaining('everything is as it was written')]);
  });

  it.each<[string, (texts: string[]) => string[], RegExp]>([
    [
      'changed',
      (texts) => texts.with(2, (texts[2] ?? '').replace('"outcome":"', '"outcome":"x')),
      /^CHANGED .*tampered.log:3 /,
    ],
    ['dropped', (texts) => texts.toSpliced(2, 1), /^DROPPED .*tampered.log:3 /],
    [
      'reordered',
      (texts) => texts.with(2, texts[3] ?? '').with(3, texts[2] ?? ''),
      /^REORDERED .*tampered.log:3 /,
    ],
    ['cut off at the end', (texts) => texts.slice(0, -1), /^TRUNCATED /],
  ])('finds a line that was %s', async (_, how, says) => {
    const { code, text } = await verify(await tampered(how));
    expect([code, text]).toEqual([1, expect.stringMatching(says)]);
  });
});

describe('an audit that cannot be written', () => {
  it('holds deliveries, which go on by themselves when it can; nothing is missing then', async () => {
    await rename(path, `${path}.aside`);
    await symlink('/dev/full', path);
    await p.pod(namespace, 'held');
    const { message } = await p.waits(namespace, 'held', 'DeliveryRefused');
    expect(message).toContain('audit');
    expect(message).toContain('ENOSPC');
    const { metadata } = await p.getPod(namespace, 'held');
    expect(await p.k.get('secret', namespace, metadata.labels['fairlead.dev/delivery'])).toBeUndefined();
    const { health } = p.fairlead.process('controller');
    expect(await (await fetch(`${health}/readyz?verbose`)).text()).toContain('[-]audit failed: it cannot be');
    expect(await (await fetch(`${health}/metrics`)).text()).toMatch(
      /fairlead_audit_errors_total\{during="write",code="Unwritable"\} [1-9]/,
    );

    await rm(path);
    await rename(`${path}.aside`, path);
    await p.released(namespace, 'held', 10_000);
    await linesOf('held', 'delivered');
    expect((await lines()).some(({ action, count }) => action === 'left-out' && Number(count) > 0)).toBe(
      true,
    );
    expect((await fetch(`${health}/readyz`)).status).toBe(200);
    expect(await verify()).toMatchObject({ code: 0 });
  });
});

describe('a change of the leader', () => {
  it('begins a chain that comes after the one before, stopped in order or killed', async () => {
    await p.fairlead.process('controller').stop();
    await p.fairlead.startRole('controller', { name: 'second' });
    await p.pod(namespace, 'by-the-second');
    await linesOf('by-the-second', 'delivered');
    await verify();
    await p.fairlead.process('second').kill();
    await p.fairlead.startRole('controller', { name: 'third' });
    await p.pod(namespace, 'by-the-third');
    await linesOf('by-the-third', 'delivered');
    const { code, text } = await verify();
    expect(code, text).toBe(0);
    expect(text.match(/^chain .*$/gm)).toEqual([
      expect.stringMatching(/of controller: .* ended$/),
      expect.stringMatching(/of second: .* not ended, known to have \d+ lines$/),
      expect.stringMatching(/of third: /),
    ]);
    const starts = (await lines()).filter(({ action }) => action === 'chain-start');
    expect(starts.map(({ after }) => (after as Line | undefined)?.chain).slice(1)).toEqual(
      starts.map(({ chain }) => chain).slice(0, -1),
    );
  });
});

describe('--audit-best-effort', () => {
  it('delivers although nothing can be written down', async () => {
    await p.fairlead.process('third').stop();
    await p.fairlead.startRole('controller', {
      name: 'careless',
      flags: ['--audit-log', '/dev/full', '--audit-best-effort', 'true'],
    });
    await p.pod(namespace, 'careless');
    await p.released(namespace, 'careless');
    expect((await lines()).filter(({ actor }) => actor?.name === 'careless')).toEqual([]);
    const { health } = p.fairlead.process('careless');
    expect(await (await fetch(`${health}/metrics`)).text()).toMatch(
      /fairlead_audit_left_out_total\{why="unwritable"\} [1-9]/,
    );
  });
});

describe('values', () => {
  it('are not in it, nor in what is beside it', async () => {
    const lease = await p.k.run('get', 'lease', 'fairlead-audit', '-n', SYSTEM, '-o', 'yaml');
    const { data } = await p.k.get('secret', SYSTEM, 'fairlead-audit-key');
    const key = Buffer.from(data.key as string, 'base64').toString();
    for (const text of [await readFile(path, 'utf8'), lease, await p.logs()]) {
      expect(text.length).toBeGreaterThan(0);
      for (const value of [...planted, key]) {
        expect(text).not.toContain(value);
        expect(text).not.toContain(Buffer.from(value).toString('base64'));
      }
    }
  });
});
