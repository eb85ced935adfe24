import { describe, expect, it } from 'vitest';
import { ClusterError } from './errors.ts';
import { together } from './together.ts';
import { until } from './wait.ts';

describe('until', () => {
  const options = { what: 'the thing', timeoutMs: 1_000, intervalMs: 1 };

  it('asks again after "not yet" and after an error, and answers what it got', async () => {
    const answers = [
      () => undefined,
      () => false as const,
      () => Promise.reject(new Error('refused')),
      () => 'ready',
    ];
    expect(await until(options, () => answers.shift()?.())).toBe('ready');
  });

  it('ends in time, with the last error and the detail', async () => {
    const never = until({ ...options, timeoutMs: 20, detail: () => 'end of the log' }, () => {
      throw new Error('connection refused');
    });
    await expect(never).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: 'the thing: not after 0 s (last: connection refused)\nend of the log',
    });
  });

  it('does not go on after an error that no waiting mends', async () => {
    const broken = until(options, () => Promise.reject(new ClusterError('COMPONENT_EXITED', 'it died')));
    await expect(broken).rejects.toMatchObject({ code: 'COMPONENT_EXITED' });
  });

  it('ends when it is told to', async () => {
    const stopped = until({ ...options, signal: AbortSignal.timeout(20) }, () => false);
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('together', () => {
  it('stops the others after a failure, waits for them, and throws the failure', async () => {
    let ended = false;
    const other = (signal: AbortSignal): Promise<void> =>
      until({ what: 'other', timeoutMs: 5_000, intervalMs: 1, signal }, () => false).then(
        () => {},
        (error: unknown) => {
          ended = true;
          throw error;
        },
      );
    await expect(together(undefined, [other, () => Promise.reject(new Error('first'))])).rejects.toThrow(
      'first',
    );
    expect(ended).toBe(true);
  });
});
