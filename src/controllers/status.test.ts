import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { RESOURCES } from '../api/resources.ts';
import { done, stalled, type Told, waiting } from '../runtime/outcome.ts';
import { recordReady, writeStatus } from './status.ts';

const docsUrl = 'https://docs.example.com';
const object = {
  metadata: { name: 'vault', namespace: 'sys', uid: 'u', resourceVersion: '1', generation: 2 },
  status: undefined,
};
const sealed = waiting('Sealed', 'sealed');

/** What conditions and event say about an outcome. */
async function told(outcome: Told, url: string | undefined): Promise<readonly string[]> {
  const said: string[] = [];
  const patch = async (...[, , body]: readonly unknown[]) => {
    const { status } = body as { status: { conditions: { type: string; message: string }[] } };
    said.push(...status.conditions.map(({ type, message }) => `${type}: ${message}`));
  };
  const deps = { client: { patch }, clock: new FakeClock(), docsUrl: url };
  const { signal } = new AbortController();
  await writeStatus(RESOURCES.vaultIntegrations, object, outcome, {}, signal, deps as never);
  const record = ({ message }: { message: string }) => void said.push(`event: ${message}`);
  recordReady('VaultIntegration', object, outcome, { events: { record }, docsUrl: url });
  return said;
}

describe('status and event', () => {
  const link = (reason: string) => ` See https://docs.example.com/reasons.md#${reason}`;
  it.each<[string, Told, string | undefined, string[]]>([
    [
      'link to the reason',
      sealed,
      docsUrl,
      [`Ready: sealed${link('sealed')}`, `event: sealed${link('sealed')}`],
    ],
    [
      'link to it in Stalled, too',
      stalled('NameConflict', 'two'),
      docsUrl,
      [
        `Ready: two${link('nameconflict')}`,
        `Stalled: two${link('nameconflict')}`,
        `event: two${link('nameconflict')}`,
      ],
    ],
    ['link to nothing when all is well', done('Connected', 'ok'), docsUrl, ['Ready: ok', 'event: ok']],
    ['link to nothing without --docs-url', sealed, undefined, ['Ready: sealed', 'event: sealed']],
  ])('%s', async (_, outcome, url, expected) => {
    expect(await told(outcome, url)).toEqual(expected);
  });
});
