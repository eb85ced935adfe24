import { describe, expect, it } from 'vitest';
import { AUDIT_KEY_SECRET, AUDIT_KEY_TYPE } from '../api/names.ts';
import { KubeError } from '../kube/errors.ts';
import { makeAuditKey, parseKey, readAuditKey } from './key.ts';

const signal = new AbortController().signal;
const answers = (answer: unknown) => ({
  get: async () => {
    if (answer instanceof Error) throw answer;
    return answer;
  },
});
const secret = (text: string, type = AUDIT_KEY_TYPE) => ({
  type,
  metadata: { uid: 'u1' },
  data: { key: Buffer.from(text).toString('base64') },
});

describe('the key of the audit', () => {
  it('is made once, at random, and cannot be changed', async () => {
    const made: { data: { key: string } }[] = [];
    const create = async (_: unknown, body: object) => void made.push(body as (typeof made)[0]);
    expect(await makeAuditKey({ create } as never, 'sys', signal)).toBe(true);
    await makeAuditKey({ create } as never, 'sys', signal);
    expect(made[0]).toMatchObject({
      type: AUDIT_KEY_TYPE,
      immutable: true,
      metadata: { name: AUDIT_KEY_SECRET, namespace: 'sys' },
    });
    const [one, two] = made.map(({ data }) => parseKey(Buffer.from(data.key, 'base64').toString()));
    expect([one?.length, two?.length, one?.equals(two ?? Buffer.alloc(0))]).toEqual([32, 32, false]);
  });

  it('that is there already stays', async () => {
    const create = async () => {
      throw new KubeError({ code: 'AlreadyExists', message: 'x' });
    };
    expect(await makeAuditKey({ create }, 'sys', signal)).toBe(false);
  });

  it('that cannot be made is told', async () => {
    const create = async () => {
      throw new KubeError({ code: 'Forbidden', message: 'x' });
    };
    await expect(makeAuditKey({ create }, 'sys', signal)).rejects.toThrow(KubeError);
  });

  it('is read with the uid of its Secret', async () => {
    const key = await readAuditKey(answers(secret('0f'.repeat(32))) as never, 'sys');
    expect(key).toEqual({ uid: 'u1', bytes: Buffer.alloc(32, 15) });
  });

  it.each<[string, unknown, string]>([
    ['is not there', new KubeError({ code: 'NotFound', message: 'x' }), 'cannot be read (NotFound)'],
    ['is of another type', secret('0f'.repeat(32), 'Opaque'), 'is not of type fairlead.dev/audit-key'],
    ['is too short', secret('0f'), 'is not of type fairlead.dev/audit-key with 32 bytes'],
    ['is empty', { metadata: { uid: 'u' }, type: AUDIT_KEY_TYPE }, 'is not of type'],
  ])('that %s is told by what helps, and not quoted', async (_, answer, message) => {
    const read = readAuditKey(answers(answer) as never, 'sys');
    await expect(read).rejects.toThrow(message);
    await expect(read).rejects.toMatchObject({ name: 'AuditError' });
  });
});
