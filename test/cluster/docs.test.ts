import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, pages } from '../support/docs/blocks.ts';
import { check, type Desk } from '../support/docs/check.ts';
import { leftovers, type Leftovers } from '../support/docs/leftovers.ts';
import { at, planFor, type Plan } from '../support/docs/plan.ts';
import { docsShell } from '../support/docs/shell.ts';
import { docsWorld, LAST, SETUPS, type World } from '../support/docs/world.ts';
import { cluster, scratch } from '../support/cluster.ts';
import { helmFor } from '../support/helm.ts';
import { platform, type Platform } from '../support/platform.ts';

/** Every command and manifest of README.md and docs/, page by page as they stand there; plan.ts has the markers. */

const all = Array.from(await pages(), ([page, text]) => ({
  page,
  blocks: blocksOf(page, text).map((block) => ({ block, plan: planFor(block) })),
}));
const ordered = [
  ...all.filter(({ page }) => !LAST.includes(page)),
  ...all.filter(({ page }) => LAST.includes(page)),
];

let p: Platform;
let dir: string;
let world: World;
let desk: Desk;
let left: Leftovers;

beforeAll(async () => {
  const { bao } = await cluster();
  // The one that the cluster has, and the one that the pages and samples name, which answers nobody.
  const hosts = [bao?.address, 'https://vault.example.com:8200'].join(',');
  p = await platform('docs', { keysApi: true, flags: ['--vault-hosts', hosts] });
  dir = await scratch('docs');
  left = await leftovers(p.k);
  const [shell, helm] = await Promise.all([docsShell(p.cluster, dir), helmFor(p.cluster.kubeconfig, dir)]);
  const write = async (name: string, text: string) => {
    await writeFile(join(dir, name), text);
    return join(dir, name);
  };
  desk = { k: p.k, shell, helm, write };
  world = await docsWorld(p, shell);
  // helm and promtool may have to be built first.
}, 1_200_000);
afterAll(async () => {
  await p?.stop();
  await left?.remove();
  if (dir) await rm(dir, { recursive: true, force: true });
});

const isDone = ({ plan }: { plan: Plan }) => !['nothing', 'show', 'elsewhere'].includes(plan.does);

describe.each(ordered.filter(({ blocks }) => blocks.some(isDone)))('$page', ({ page, blocks }) => {
  const done = blocks.filter(isDone);
  beforeAll(async () => {
    await world.reset();
    await SETUPS[page]?.(world);
  });

  it.each(done.map(({ block, plan }) => [block.line, plan.does, block, plan] as const))(
    'line %i: %s',
    async (_line, _does, block, plan) => check(desk, block, plan),
  );
});

it('says what was not run, and why', () => {
  const reasons = ordered.flatMap(({ blocks }) =>
    blocks.flatMap(({ block, plan }) => {
      if (plan.does === 'nothing') return [{ place: at(block), why: plan.why }];
      return plan.does === 'parse' ? [{ place: at(block), why: `only parsed: ${plan.what}` }] : [];
    }),
  );
  console.log(['Not run of the docs:', ...reasons.map(({ place, why }) => `${place}: ${why}`)].join('\n  '));
  expect(reasons.filter(({ why }) => why.length < 10)).toEqual([]);
});
