import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runPlugin } from '../run.ts';
import { testIo } from '../test-support.ts';
import { migratePlaceholders } from './command.ts';
import { writeAll } from './disk.ts';

const manifest = (value = '${secrets.db}') =>
  `apiVersion: v1\nkind: Pod\nmetadata: { name: app }\nspec:\n  containers:\n    - name: main\n      env:\n        - name: DB\n          value: ${value}\n        - name: OWN\n          value: h1dden\n`;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fairlead-migrate-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const put = (name: string, text: string | Buffer) => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};
const read = (name: string) => readFileSync(join(dir, name), 'utf8');
const run = async (args: readonly string[], stdin = '') => {
  const io = testIo(stdin);
  const code = await runPlugin(
    ['migrate-placeholders', ...args],
    { 'migrate-placeholders': async () => migratePlaceholders },
    io,
  );
  return { code, ...io.printed() };
};

describe('without --write', () => {
  it('tells what would be, changes nothing and shows no value', async () => {
    const file = put('app.yaml', manifest());
    const { code, out, err } = await run([file]);
    expect(code).toBe(1);
    expect(out).toContain(`- ${file}:9:18: variable DB of container main\n`);
    expect(out).toContain(`+ ${join(dir, 'app.secretreference.yaml')}: SecretReference app\n`);
    expect(out).toContain('+     DB from KUBERNETES/global key db\n');
    expect(out).toContain(`would change: ${file}\n`);
    expect(err).toContain('Nothing was written; --write does it.');
    expect(err).toContain('no passwords in plain text');
    expect(out + err).not.toContain('h1dden');
    expect([readdirSync(dir), read('app.yaml')]).toEqual([['app.yaml'], manifest()]);
  });

  it('reads standard input, and tells programs the same', async () => {
    const { code, out } = await run(['-o', 'json', '-'], manifest('x${secrets.db}'));
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({
      written: false,
      changed: ['<stdin>'],
      references: [
        { file: 'app.secretreference.yaml', namespace: '', name: 'app', env: ['DB_2'], sparkConf: [] },
      ],
      moved: [
        {
          ...{ file: '<stdin>', line: 9, column: 18, what: 'part of variable DB of container main' },
          ...{ variable: 'DB_2', secret: { key: 'db', source: { type: 'KUBERNETES', id: 'global' } } },
          ...{ placeholder: 'db', reference: 'app' },
        },
      ],
      ...{ left: [], failures: [], unusedMaps: [] },
    });
  });

  it('ends with 0 if there is no placeholder', async () => {
    const { code, out } = await run([put('app.yaml', manifest('plain'))]);
    expect([code, out]).toEqual([0, '']);
  });

  it('says that a key of --map is none', async () => {
    const { out } = await run(['--map', 'dbb=VAULT:v', put('app.yaml', manifest())]);
    expect(out).toContain('note: no placeholder has the key dbb of --map');
  });
});

describe('with --write', () => {
  it('writes both, keeps the mode, and has nothing to do the second time', async () => {
    const file = put('app.yaml', manifest());
    chmodSync(file, 0o664);
    expect((await run(['--write', file])).code).toBe(0);
    expect(readdirSync(dir)).toEqual(['app.secretreference.yaml', 'app.yaml']);
    expect(read('app.yaml')).not.toContain('${secrets');
    expect(read('app.yaml')).toContain('fairlead.dev/secret-references: app');
    expect(statSync(file).mode & 0o777).toBe(0o664);
    const [once, reference] = [read('app.yaml'), read('app.secretreference.yaml')];
    const { code, out } = await run(['--write', dir]);
    expect([code, out]).toEqual([0, '']);
    expect([read('app.yaml'), read('app.secretreference.yaml')]).toEqual([once, reference]);
  });

  it('ends with 1 while something is left, and writes the rest', async () => {
    const file = put('app.yaml', `${manifest()}      args: ["\${secrets.db}"]\n`);
    const { code, out } = await run(['--write', file]);
    expect(code).toBe(1);
    expect(out).toContain(`left: ${file}:12:14: spec.containers[0].args[0]: placeholders in a command`);
    expect(read('app.yaml')).toContain('secret-references: app');
  });

  it('leaves a reference file with other contents alone, unless it is told to replace it', async () => {
    const file = put('app.yaml', manifest());
    put('app.secretreference.yaml', '# mine, s3cret\n');
    const { code, err, out } = await run(['--write', file]);
    expect(code).toBe(1);
    expect(err).toContain('app.secretreference.yaml:1: is there already, with other contents');
    expect(err + out).not.toContain('s3cret');
    expect([read('app.yaml'), read('app.secretreference.yaml')]).toEqual([manifest(), '# mine, s3cret\n']);
    expect((await run(['--write', '--force', file])).code).toBe(0);
    expect(read('app.secretreference.yaml')).toContain('kind: SecretReference');
  });

  it('takes a reference file that is what it would write', async () => {
    const file = put('app.yaml', manifest());
    await run(['--write', file]);
    put('app.yaml', manifest());
    expect((await run(['--write', file])).code).toBe(0);
  });

  it.each([
    ['no YAML', 'a: [s3cret\n'],
    ['a key that stands twice', 'a: 1\na: s3cret\n'],
    ['anchors', `x: &s3cret {}\ny: *s3cret\n${manifest()}`],
  ])('writes none of the files if one is %s', async (_, text) => {
    const [good, bad] = [put('good.yaml', manifest()), put('bad.yaml', text)];
    const { code, err, out } = await run(['--write', good, bad]);
    expect(code).toBe(1);
    expect(err).toContain(`error: ${bad}:`);
    expect(err).toContain('nothing was written');
    expect(err + out).not.toContain('s3cret');
    expect([read('good.yaml'), read('bad.yaml')]).toEqual([manifest(), text]);
    expect(readdirSync(dir)).toEqual(['bad.yaml', 'good.yaml']);
  });
});

describe('a file that cannot be taken', () => {
  it.each<[string, () => string[], string]>([
    [
      'a symbolic link',
      () => {
        put('real.yaml', manifest());
        symlinkSync(join(dir, 'real.yaml'), join(dir, 'link.yaml'));
        return [join(dir, 'link.yaml')];
      },
      'is a symbolic link',
    ],
    [
      'a symbolic link in a directory',
      () => {
        mkdirSync(join(dir, 'sub'));
        symlinkSync('/nowhere', join(dir, 'sub', 'link.yaml'));
        return [join(dir, 'sub')];
      },
      'is a symbolic link',
    ],
    [
      'one that is huge',
      () => [put('huge.yaml', Buffer.alloc(8 * 1024 * 1024 + 1, 0x20))],
      'larger than 8 MiB',
    ],
    ['one that is no text', () => [put('bytes.yaml', Buffer.from([0x61, 0xff, 0xfe]))], 'is not UTF-8'],
    ['one that is none', () => ['/dev/null'], 'is no file'],
    ['one that is named twice', () => [put('a.yaml', ''), join(dir, 'a.yaml')], 'is named twice'],
  ])('is told with 2: %s', async (_, files, message) => {
    const { code, err } = await run(files());
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('writing', () => {
  it('changes nothing if a file was changed meanwhile, and leaves nothing behind', () => {
    const [a, b] = [put('a.yaml', 'a'), put('b.yaml', 'changed by somebody')];
    expect(() =>
      writeAll([
        { path: a, before: 'a', after: 'new' },
        { path: b, before: 'b', after: 'new' },
      ]),
    ).toThrow('was changed meanwhile; nothing was written');
    expect([readdirSync(dir), read('a.yaml')]).toEqual([['a.yaml', 'b.yaml'], 'a']);
  });

  it('changes nothing if one of the files cannot be written', () => {
    const a = put('a.yaml', 'a');
    expect(() =>
      writeAll([
        { path: a, before: 'a', after: 'new' },
        { path: join(dir, 'nowhere', 'b.yaml'), before: undefined, after: 'new' },
      ]),
    ).toThrow('b.yaml cannot be written (ENOENT)');
    expect([readdirSync(dir), read('a.yaml')]).toEqual([['a.yaml'], 'a']);
  });
});
