import { spawnSync } from 'node:child_process';
import { beforeEach, describe, expect, it } from 'vitest';
import { logger, withFields, type LogLevel } from './log.ts';

let text: string;
const stream = { write: (line: string) => void (text += line) };
const lines = () =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

beforeEach(() => {
  text = '';
});

describe('a line', () => {
  it('is JSON with time, level, message and fields, and nothing else', () => {
    logger({ level: 'info', stream }).info({ controller: 'pods', key: 'a/b' }, 'done');
    expect(lines()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
        controller: 'pods',
        key: 'a/b',
        msg: 'done',
      },
    ]);
  });

  it.each<[LogLevel, string[]]>([
    ['debug', ['d', 'i', 'w', 'e']],
    ['info', ['i', 'w', 'e']],
    ['warn', ['w', 'e']],
    ['error', ['e']],
  ])('at level %s is written from there on', (level, expected) => {
    const log = logger({ level, stream });
    log.debug({}, 'd');
    log.info({}, 'i');
    log.warn({}, 'w');
    log.error({}, 'e');
    expect(lines().map(({ msg }) => msg)).toEqual(expected);
  });

  it('of a child carries its fields', () => {
    const log = logger({ level: 'info', stream }).child({ replica: 'one', token: 'hunter2' });
    log.child({ role: 'controller' }).info({ x: 1 }, 'hello');
    expect(lines()[0]).toMatchObject({ replica: 'one', role: 'controller', x: 1 });
    expect(text).not.toContain('hunter2');
  });
});

describe('the level', () => {
  it('can be changed, and children that there are follow', () => {
    const root = logger({ level: 'info', stream });
    const child = root.child({ role: 'controller' });
    child.debug({}, 'one');
    root.level = 'debug';
    child.debug({}, 'two');
    root.level = 'error';
    child.warn({}, 'three');
    expect(lines().map(({ msg }) => msg)).toEqual(['two']);
  });
});

describe('the fields of a piece of work', () => {
  it("are in each of its lines, across awaits and timers, and in nobody else's", async () => {
    const log = logger({ level: 'info', stream });
    const work = async (pass: string) =>
      withFields({ pass, token: 'hunter2' }, async () => {
        log.info({ n: 1 }, 'begun');
        await new Promise((resolve) => setTimeout(resolve, 1));
        log.info({ pass: `${pass}!` }, 'ended');
      });
    await Promise.all([work('a'), work('b')]);
    log.info({}, 'outside');
    expect(lines().map(({ pass, msg }) => [pass, msg])).toEqual([
      ['a', 'begun'],
      ['b', 'begun'],
      ['a!', 'ended'],
      ['b!', 'ended'],
      [undefined, 'outside'],
    ]);
    expect(text).not.toContain('hunter2');
  });

  it('add to those of the work around it', () => {
    const log = logger({ level: 'info', stream });
    withFields({ a: 1 }, () => withFields({ b: 2 }, () => log.info({}, 'x')));
    expect(lines()[0]).toMatchObject({ a: 1, b: 2 });
  });
});

describe('nothing of a value is in a line', () => {
  const secret = 'hunter2';
  const quoting = () => {
    try {
      JSON.parse(`{"a": ${secret}}`);
    } catch (error) {
      return error as Error;
    }
    throw new Error('parsed');
  };

  it.each<[string, object]>([
    ['in a field', { password: secret }],
    ['deep in a field', { response: { data: { data: { db: secret } } } }],
    ['in an error', { err: quoting() }],
    ['in an error under another name', { error: quoting() }],
    ['in the cause of an error', { err: new Error('x', { cause: quoting() }) }],
    ['in an error given for the fields', quoting()],
    ['in a field that pino itself reads', { msg: { data: secret } }],
    ['in a Buffer', { content: Buffer.from(secret) }],
  ])('%s', (_, fields) => {
    logger({ level: 'info', stream }).error(fields, 'failed');
    expect(text).not.toContain(secret);
    expect(lines()[0]).toMatchObject({ level: 'error' });
  });

  it('in the message, if it looks like a token', () => {
    logger({ level: 'info', stream }).info({}, 'got hvs.CAESIJ1234567890abcdef');
    expect(lines()[0]?.['msg']).toBe('got [redacted]');
  });

  it('through placeholders of the message', () => {
    logger({ level: 'info', stream }).info({}, '%s %o %j');
    expect(lines()[0]?.['msg']).toBe('%s %o %j');
  });
});

it('an error is found under err, with its place', () => {
  logger({ level: 'info', stream }).warn({ err: new TypeError('x') }, 'the pass failed');
  expect(lines()[0]).toMatchObject({
    msg: 'the pass failed',
    err: {
      name: 'TypeError',
      stack: expect.arrayContaining([expect.stringMatching(/log\.test\.ts/)]) as unknown,
    },
  });
});

it('the last line before the end of the process is written', () => {
  const code = `
    import { logger } from '${new URL('log.ts', import.meta.url).href}';
    logger({ level: 'info' }).error({}, 'the end');
    process.exit(3);`;
  const run = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', code], {
    encoding: 'utf8',
  });
  expect([run.status, run.stdout]).toEqual([3, expect.stringContaining('"msg":"the end"')]);
});
