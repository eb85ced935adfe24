import type { RoleProcess } from '../../hack/fairlead.ts';

/** The samples of a /metrics page by name and labels, as they stand there. */
export function samples(page: string): ReadonlyMap<string, number> {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** What a process shows to Prometheus now. */
export async function scrape({ health }: Pick<RoleProcess, 'health'>): Promise<ReadonlyMap<string, number>> {
  return samples(await (await fetch(`${health}/metrics`)).text());
}

/** Status and text of a health endpoint, with each check. */
export async function probe(
  { health }: Pick<RoleProcess, 'health'>,
  path: 'livez' | 'readyz',
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${health}/${path}?verbose`);
  return { status: response.status, text: await response.text() };
}
