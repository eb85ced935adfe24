import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ok, refused, startFake, type FakeVault } from '../../../test/support/vault-fake.ts';
import { asker, gist, target, type Asker, type TargetOptions } from '../../../test/support/vault-lab.ts';
import type { VaultTarget } from './target.ts';

let fake: FakeVault;
let asking: Asker;

beforeEach(async () => {
  fake = await startFake();
  asking = asker();
});
afterEach(async () => {
  await asking.close();
  await fake.close();
});

const role = { roleId: 'role-1', secretId: 'planted' };

function at(changes: Partial<TargetOptions> = {}): VaultTarget {
  return target({ host: fake.address, appRole: role, ...changes });
}

const other = () => at({ name: 'other', path: 'secret/data/other' });

/** Another path on the same server, with the same login, does not suffer. */
async function expectOthersWork(): Promise<void> {
  expect(gist(await asking.once(other()))).toEqual({ password: 'hunter2' });
}

/** Writes this chunk until so much is written, or nobody listens any more. */
function pour(chunk: Buffer, total: number, ended: (written: number) => void) {
  return (response: ServerResponse) => {
    let written = 0;
    const more = () => {
      while (written < total) {
        written += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
      response.end();
    };
    response.once('close', () => ended(written));
    more();
  };
}

describe('an answer to a read that', () => {
  it.each([
    ['is a page', 200, '<html><body>planted</body></html>'],
    ['is the page of a login', 403, '<html><body>planted</body></html>'],
    ['is a page for a missing path', 404, '<html><body>planted</body></html>'],
    ['is nothing', 200, ''],
    ['is half an object', 200, '{"data":{"data":{"a":"planted"'],
    ['is a text', 200, '"planted"'],
    ['is a list', 200, '["planted"]'],
  ])('%s is Unreachable, for this path alone', async (_, status, body) => {
    fake.on('/data/app', { kind: 'answer', status, body, headers: { 'content-type': 'text/html' } });
    const answer = await asking.once(at());
    expect(answer).toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining('the answer is not from Vault: check spec.host and the proxy'),
    });
    expect(JSON.stringify(answer)).not.toContain('planted');
    await expectOthersWork();
  });

  it('breaks off in the middle is Unreachable, for this path alone', async () => {
    const body = '{"data":{"data":{"a":"planted"}';
    fake.on('/data/app', { kind: 'answer', status: 200, body, cutShort: true });
    const answer = await asking.once(at());
    expect(answer).toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining('the connection broke before the answer was complete'),
    });
    expect(JSON.stringify(answer)).not.toContain('planted');
    await expectOthersWork();
  });

  it('comes with one byte a second is Unreachable after ten seconds, and its connection is closed', async () => {
    let written = 0;
    let isClosed = false;
    let drip: ServerResponse | undefined;
    fake.on('/data/app', {
      kind: 'stream',
      status: 200,
      write: (response) => {
        drip = response;
        response.once('close', () => (isClosed = true));
      },
    });
    const reading = asking.once(at());
    await vi.waitFor(() => expect(drip).toBeDefined(), { timeout: 10_000 });
    for (; written < 10; written += 1) {
      await new Promise<void>((resolve) => drip?.write('{', () => resolve()));
      await new Promise(setImmediate);
      asking.clock.advance(1_000);
    }
    expect(await reading).toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining('Vault did not answer in time'),
    });
    await vi.waitFor(() => expect(isClosed).toBe(true), { timeout: 10_000 });
    await expectOthersWork();
  });

  it('sends headers only, and then nothing, is Unreachable after ten seconds', async () => {
    let isThere = false;
    fake.on('/data/app', {
      kind: 'stream',
      status: 200,
      write: (response) => {
        response.flushHeaders();
        isThere = true;
      },
    });
    const reading = asking.once(at());
    await vi.waitFor(() => expect(isThere).toBe(true), { timeout: 10_000 });
    await new Promise(setImmediate);
    asking.clock.advance(10_000);
    expect(gist(await reading)).toBe('Unreachable');
  });

  it.each([
    ['without saying how long it is', undefined],
    ['and says so before', String(100 * 1024 * 1024)],
  ])('is 100 MB %s is TooLarge, and neither read nor kept', async (_, length) => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    let written: number | undefined;
    fake.on('/data/app', {
      kind: 'stream',
      status: 200,
      headers: { ...(length !== undefined && { 'content-length': length }) },
      write: pour(chunk, 100 * 1024 * 1024, (bytes) => (written = bytes)),
    });
    const before = process.memoryUsage().rss;
    expect(await asking.once(at())).toMatchObject({
      reason: 'TooLarge',
      message: expect.stringContaining('the answer of Vault is over 4 MiB: store smaller values'),
    });
    await vi.waitFor(() => expect(written).toBeDefined(), { timeout: 10_000 });
    // What the kernel buffers on the way is written, too.
    expect(written).toBeLessThan(32 * 1024 * 1024);
    expect(process.memoryUsage().rss - before).toBeLessThan(96 * 1024 * 1024);
    await expectOthersWork();
  });

  it('is nested without end is no crash', async () => {
    const body = '{"data":'.repeat(100_000) + '1' + '}'.repeat(100_000);
    fake.on('/data/app', { kind: 'answer', status: 200, body });
    expect(await asking.once(at())).toMatchObject({ kind: 'failed' });
    await expectOthersWork();
  });
});

describe('an answer to a login that', () => {
  const rows: Record<string, [reply: Parameters<FakeVault['on']>[1], reason: string]> = {
    'is a page': [{ kind: 'answer', status: 200, body: '<html>planted</html>' }, 'Unreachable'],
    'breaks off in the middle': [
      { kind: 'answer', status: 200, body: '{"auth":{"client_token":"planted"', cutShort: true },
      'Unreachable',
    ],
    'is over 4 MiB': [ok({ auth: { client_token: 'planted'.repeat(700_000) } }), 'TooLarge'],
  };
  it.each(Object.entries(rows))('%s holds for the whole connection', async (_, [reply, reason]) => {
    fake.on('/login', reply);
    const answer = await asking.once(at());
    expect(gist(answer)).toBe(reason);
    expect(gist(await asking.once(other()))).toBe(reason);
    expect(fake.count('/login')).toBe(1);
    expect(JSON.stringify(answer)).not.toContain('planted');
  });
});

describe('Retry-After', () => {
  it.each([
    ['of seconds', '7', 7_000],
    ['of a day, which is cut to five minutes', '86400', 300_000],
    ['of more than a number holds', '9'.repeat(400), 300_000],
    ['that is not understood', 'soon', 1_100],
    ['below zero', '-5', 1_100],
  ])('%s: %s', async (_, value, ms) => {
    asking = asker({ random: () => 0 });
    await asking.ask(other());
    asking.clock.advance(5_000);
    fake.on('/data/app', { ...refused(429, 'quota'), headers: { 'retry-after': value } });
    expect(await asking.once(at())).toMatchObject({ reason: 'RateLimited', retryAfterMs: ms });
    asking.clock.advance(ms - 1);
    await asking.once(at());
    await asking.once(other());
    expect(fake.count('/v1/secret/data/app')).toBe(1);
    asking.clock.advance(1);
    await asking.once(at());
    expect(fake.count('/v1/secret/data/app')).toBe(2);
  });
});
