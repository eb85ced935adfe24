import { expect } from 'vitest';
import { stringify } from 'yaml';
import type { Kube } from '../cluster.ts';
import { CHART, type Helm } from '../helm.ts';
import type { Block } from './blocks.ts';
import { mergeInto } from './fragments.ts';
import { missingLine } from './output.ts';
import { at, type Manifest, type Plan, type Step } from './plan.ts';
import type { Shell } from './shell.ts';

export interface Desk {
  readonly k: Kube;
  readonly shell: Shell;
  readonly helm: Helm;
  /** Writes a file and says where it is. */
  write(name: string, text: string): Promise<string>;
}

/** Does what the plan says; rejects if the block is not right. */
export async function check(desk: Desk, block: Block, plan: Plan): Promise<void> {
  switch (plan.does) {
    case 'apply':
      for (const manifest of plan.manifests) await dryRun(desk.k, manifest);
      return;
    case 'merge':
      return dryRun(desk.k, mergeInto(plan.into, plan.content) as unknown as Manifest);
    case 'values': {
      const file = await desk.write('values.yaml', block.text);
      await desk.helm('template', 'fairlead', CHART, '-n', 'fairlead-system', '--values', file);
      return;
    }
    case 'policy': {
      const file = await desk.write('policy.hcl', block.text);
      const { code, output } = await desk.shell.run(`vault policy write docs '${file}'`);
      expect(code, output).toBe(0);
      return;
    }
    case 'run': {
      const { code, output } = await desk.shell.run(plan.script, { dry: plan.dry });
      expect(code, `${at(block)} said:\n${output}`).toBe(plan.exits);
      return;
    }
    case 'compare':
      for (const step of plan.steps) await compare(desk.shell, step);
      return;
    case 'parse':
      if (block.language === 'json') JSON.parse(block.text);
      return;
    case 'elsewhere':
    case 'nothing':
    case 'show':
  }
}

/** The API server itself says whether it would take the object, with fields that it does not know as errors. */
async function dryRun(k: Kube, manifest: Manifest): Promise<void> {
  const { namespace } = manifest.metadata;
  if (namespace !== undefined && !(await k.get('namespace', '', namespace)))
    await k.run('create', 'namespace', namespace);
  const flags = ['--dry-run=server', '--validate=strict', '-f', '-'];
  // As it stands on the page the reader is in the namespace of the team.
  if (namespace === undefined) flags.push('-n', 'marketing-jobs');
  await k.both([...verbOf(manifest), ...flags], manifest).catch((error: { stderr?: string }) => {
    throw new Error(`${stringify(manifest)}\n${error.stderr}`);
  });
}

/** The API for keys knows no apply. */
function verbOf({ apiVersion, metadata: { name } }: Manifest): string[] {
  if (name === undefined) return ['create'];
  if (apiVersion.startsWith('keys.')) return ['replace'];
  return ['apply', '--server-side', '--force-conflicts'];
}

/** What stands below a command on the page is what it prints. */
async function compare(shell: Shell, { command, output }: Step): Promise<void> {
  const printed = (await shell.run(`${command}\n`)).output;
  expect(missingLine(output, printed), `\`${command}\` printed:\n${printed}`).toBeUndefined();
}
