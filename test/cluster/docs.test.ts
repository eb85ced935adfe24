import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, pages } from '../support/docs/blocks.ts';
import { check, type Desk } from '../support/docs/check.ts';
import { leftovers, type Leftovers } from '../support/docs/leftovers.ts';
import { at, planFor } from '../support/docs/plan.ts';
import { docsShell } from '../support/docs/shell.ts';
import { docsWorld, LAST, SETUPS, type World } from '../support/docs/world.ts';
import { scratch } from '../support/cluster.ts';
import { helmFor } from '../support/helm.ts';
import { platform, type Platform } from '../support/platform.ts';

/** Every command and manifest of README.md and docs/, page by page as they stand there; plan.ts has the markers. */

const all = Array.from(await pages(), ([page, text]) => ({
  page,
  blocks: blocksOf(page, text).map((block) => ({ block, plan: planFor(block) })),
})).filter(({ blocks }) => blocks.length > 0);
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
  p = await platform('docs', { keysApi: true });
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

describe.each(ordered)('$page', ({ page, blocks }) => {
  const done = blocks.filter(({ plan }) => !['nothing', 'show', 'elsewhere'].includes(plan.does));
  if (done.length === 0) return;
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
      if (plan.does === 'nothing') return [`${at(block)}: ${plan.why}`];
      return plan.does === 'parse' ? [`${at(block)}: only parsed: ${plan.what}`] : [];
    }),
  );
  console.log(['Not run of the docs:', ...reasons].join('\n  '));
  expect(reasons.filter((reason) => /: \S*$/.test(reason))).toEqual([]);
});
