import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ensurePromtool } from '../../hack/monitoring/promtool.ts';
import { RULE_TESTS, RULES } from '../../hack/monitoring/rules.ts';
import { until } from '../support/cluster.ts';
import { samples, scrape } from '../support/metrics.ts';
import { platform, reference, type Platform } from '../support/platform.ts';

const DASHBOARD = new URL('../../config/monitoring/dashboard.json', import.meta.url);

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly description: string };
}

let promtool: (...args: string[]) => Promise<string>;
let rules: readonly Rule[];
let queries: readonly string[];
beforeAll(async () => {
  const path = await ensurePromtool({ log: (line) => console.log(line) });
  promtool = async (...args) => (await promisify(execFile)(path, args)).stdout;
  const { groups } = parse(await readFile(RULES, 'utf8')) as { groups: { rules: Rule[] }[] };
  rules = groups.flatMap((group) => group.rules);
  const { panels } = JSON.parse(await readFile(DASHBOARD, 'utf8')) as {
    panels: { targets?: { expr: string }[] }[];
  };
  queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}, 1_800_000);

describe('the alert rules', () => {
  it('are rules to Prometheus', async () => {
    expect(await promtool('check', 'rules', RULES.pathname)).toContain(`${rules.length} rules found`);
  });

  it('come when they should, and only then', async () => {
    expect(await promtool('test', 'rules', RULE_TESTS.pathname)).toContain('SUCCESS');
  });

  it('are all tested, and say what to do', async () => {
    const tests = await readFile(RULE_TESTS, 'utf8');
    expect(rules.length).toBeGreaterThan(8);
    for (const { alert, annotations } of rules) {
      expect([alert, tests.includes(alert)]).toEqual([alert, true]);
      expect(annotations.description).toMatch(/\S/);
    }
  });
});

describe('what rules and dashboard ask for', () => {
  let p: Platform;
  beforeAll(async () => {
    p = await platform('monitoring', { keysApi: true });
  });
  afterAll(async () => p?.stop());

  it('is a language that Prometheus understands', async () => {
    expect(queries.length).toBeGreaterThan(20);
    for (const expr of queries)
      await promtool('promql', 'format', '--experimental', expr.replaceAll('$__rate_interval', '5m'));
  });

  it('is there, in the processes as they are when something happens', async () => {
    const namespace = await p.namespace('monitoring');
    await p.integration('monitoring-vault', { a: 'one' }, { domains: ['monitoring'] });
    await p.k.apply(reference('warehouse', namespace, { A: 'VAULT/monitoring-vault/a' }));
    await p.pod(namespace, 'one');
    await p.released(namespace, 'one');
    await p.pod(namespace, 'two', 'not-there');
    await p.waits(namespace, 'two', 'ReferenceNotFound');
    await p.k.run('get', 'secretkeys', '-n', namespace);

    const wanted = new Set([...queries, ...rules.map(({ expr }) => expr)].flatMap(metricsIn));
    expect(wanted.size).toBeGreaterThan(20);
    await until('every metric', async () => {
      const pages = await Promise.all(p.fairlead.processes.map(scrape));
      pages.push(samples(await p.k.run('get', '--raw', '/metrics')));
      const there = new Set(pages.flatMap((page) => [...page.keys()].map((key) => key.split('{', 1)[0])));
      const missing = [...wanted].filter((name) => !there.has(name));
      if (missing.length > 0) throw new Error(missing.join(', '));
      return true;
    });
  });
});

/** The names of metrics in an expression: whatever is no label, function or keyword. */
function metricsIn(expr: string): string[] {
  const bare = expr
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replaceAll(/\b(by|on|group_left|without|ignoring)\s*\([^)]*\)/g, '');
  const names = [...bare.matchAll(/[a-zA-Z_]\w*(?!\w*\s*\()/g)].map(([name]) => name);
  return names.filter((name) => name.includes('_') && !name.startsWith('histogram_'));
}
