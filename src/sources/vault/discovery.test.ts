import { describe, expect, it } from 'vitest';
import { answer, errors } from '../../../test/support/vault-login.ts';
import { askMount, countEntries } from './discovery.ts';
import type { Answer } from './faults.ts';
import { parsePath, type VaultPath } from './path.ts';

function parsed(text: string): VaultPath {
  const path = parsePath(text);
  if (!path) throw new Error(text);
  return path;
}

async function ask(path: string, given: Answer) {
  const asked: string[] = [];
  const get = async (one: string) => {
    asked.push(one);
    return Promise.resolve(given);
  };
  const mount = await askMount(parsed(path), get);
  return { mount, asked };
}

const told = (data: object) => answer(200, { data });
const kv2 = (path: string) => told({ type: 'kv', path, options: { version: '2' } });

describe('the mount of a path', () => {
  it('is asked for with the whole path, encoded', async () => {
    const { asked } = await ask('/v1/team kv/data/a b/ü', kv2('team kv/'));
    expect(asked).toEqual(['sys/internal/ui/mounts/team%20kv/data/a%20b/%C3%BC']);
  });

  const rows: Record<string, [path: string, given: Answer, mount: object | undefined]> = {
    'is what Vault says': [
      'secret/data/app',
      kv2('secret/'),
      { mount: 'secret', type: 'kv', version: '2', isKVv2: true, secretPath: 'app' },
    ],
    'may have slashes': [
      'team/kv/data/app/db',
      kv2('team/kv/'),
      { mount: 'team/kv', isKVv2: true, secretPath: 'app/db' },
    ],
    'may be called data': ['data/data/app', kv2('data/'), { mount: 'data', isKVv2: true, secretPath: 'app' }],
    'may have data in its name: then the path is shorter than it looks': [
      'team/data/data/data/app',
      kv2('team/data/'),
      { mount: 'team/data', isKVv2: true, secretPath: 'data/app' },
    ],
    'may have data in its name, so that nothing is left of the path': [
      'team/data/app',
      kv2('team/data/'),
      { mount: 'team/data', type: 'kv', version: '2', isKVv2: false },
    ],
    'may be a longer one than the path looks like': [
      'secret/data/team/data/app',
      kv2('secret/data/team/'),
      { mount: 'secret/data/team', isKVv2: true, secretPath: 'app' },
    ],
    'may be of version 1': [
      'secret/data/app',
      told({ type: 'kv', path: 'secret/', options: { version: '1' } }),
      { mount: 'secret', type: 'kv', version: '1', isKVv2: false },
    ],
    'may be of version 1 without options': [
      'secret/data/app',
      told({ type: 'kv', path: 'secret/', options: null }),
      { mount: 'secret', type: 'kv', isKVv2: false },
    ],
    'may be of another type': [
      'pki/data/app',
      told({ type: 'pki', path: 'pki/', options: null }),
      { mount: 'pki', type: 'pki', isKVv2: false },
    ],
    'is not told to whoever may do nothing there': [
      'secret/data/app',
      answer(403, errors('preflight capability check returned 403')),
      undefined,
    ],
    'is not told by what is no Vault': ['secret/data/app', answer(200, '<html>'), undefined],
    'is not told without a type': ['secret/data/app', told({ path: 'secret/' }), undefined],
    'is not told without a path': ['secret/data/app', told({ type: 'kv' }), undefined],
    'is not believed if it is about another path': ['secret/data/app', kv2('other/'), undefined],
    'is not believed if it only begins alike': ['secrets/data/app', kv2('secret/'), undefined],
    'is not believed if it is empty': ['secret/data/app', kv2(''), undefined],
    'is not believed if it is no text': ['secret/data/app', told({ type: 'kv', path: 7 }), undefined],
  };
  it('leaves no secret path if nothing is left of the path', async () => {
    const { mount } = await ask('team/data/app', kv2('team/data/'));
    expect(mount).not.toHaveProperty('secretPath');
  });

  it.each(Object.entries(rows))('%s', async (_, [path, given, expected]) => {
    const { mount } = await ask(path, given);
    if (expected === undefined) expect(mount).toBeUndefined();
    else expect(mount).toMatchObject(expected);
  });
});

describe('a folder', () => {
  const count = async (given: Answer) => {
    const asked: string[] = [];
    const entries = await countEntries(parsed('team kv/data/app ü'), async (path) => {
      asked.push(path);
      return Promise.resolve(given);
    });
    return { entries, asked };
  };

  it('is listed by its metadata, encoded', async () => {
    const { entries, asked } = await count(told({ keys: ['app/', 'db'] }));
    expect(entries).toBe(2);
    expect(asked).toEqual(['team%20kv/metadata/app%20%C3%BC/?list=true']);
  });

  it.each([
    ['an empty one', answer(404, errors())],
    ['a denial', answer(403, errors('1 error occurred'))],
    ['a list of nothing', told({ keys: [] })],
    ['what is no list', told({ keys: 'planted' })],
    ['what is no Vault', answer(200, '<html>')],
  ])('is none for %s', async (_, given) => {
    expect((await count(given)).entries).toBeUndefined();
  });
});
