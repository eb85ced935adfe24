import { describe, expect, it } from 'vitest';
import { feed } from './exec.ts';

async function* pieces(count: number) {
  for (let index = 0; index < count; index++) yield Buffer.alloc(1_000_000, 'x');
}

describe('feed', () => {
  it('gives a command more to read than fits into a pipe', async () => {
    await feed('sh', ['-c', 'test "$(wc -c)" -eq 5000000'], pieces(5));
  });

  it('fails with what the command said, also when it did not want to read all', async () => {
    await expect(feed('sh', ['-c', 'echo no room >&2; exit 3'], pieces(20))).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringContaining('no room'),
    });
    await expect(feed('/nowhere/tool', [], pieces(1))).rejects.toThrow(/nowhere/);
  });
});
