import { parseAllDocuments } from 'yaml';
import type { Block } from './blocks.ts';

/**
 * What is done with a block. The markers:
 *
 *     <!-- not run: REASON -->        it cannot run here
 *     <!-- run by: test/... -->       that test takes it from the page
 *     <!-- dry run -->                kubectl and helm are given --dry-run: it would destroy or wait for what is not here
 *     <!-- exits: 1 -->               the exit code of the last command, where it is not 0
 *     <!-- fragment: Pod -->          YAML that is merged into a base object of that kind, which must be valid then
 *     <!-- fragment: Pod.spec -->     the same, for the content of one of its fields
 *     <!-- fragment: values -->       values of the chart
 *     <!-- fragment: other, WHAT -->  YAML for somebody else, or an answer: only parsed
 */
export type Plan =
  | { readonly does: 'apply'; readonly manifests: readonly Manifest[] }
  | { readonly does: 'merge'; readonly into: string; readonly content: unknown }
  | { readonly does: 'values' }
  | { readonly does: 'parse'; readonly what: string }
  | { readonly does: 'run'; readonly script: string; readonly dry: boolean; readonly exits: number }
  | { readonly does: 'compare'; readonly steps: readonly Step[] }
  | { readonly does: 'policy' }
  | { readonly does: 'elsewhere'; readonly test: string }
  | { readonly does: 'nothing'; readonly why: string }
  /** Text, a drawing, another language. */
  | { readonly does: 'show' };

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string };
}

/** A command and what stands below it. */
export interface Step {
  readonly command: string;
  readonly output: string;
}

/** Who runs the commands and policies of a whole page. */
const RUN_BY: Readonly<Record<string, string>> = { 'docs/vault.md': 'test/cluster/vault-docs.test.ts' };

const SHELLS = ['sh', 'bash', 'shell'];

/** Of a block that looks like text. */
const COMMAND = /^\s*(\$ |(kubectl|helm|make|npm|npx|node|vault|bao|docker|jq|curl|spark-submit) [-a-z])/;

/** Throws for a block that should be run and neither can be nor says why. */
export function planFor(block: Block): Plan {
  const { language, text, marker = '' } = block;
  const [, key = marker, value = ''] = /^([a-z ]+): (.*)$/.exec(marker) ?? [];
  if (key === 'not run') return { does: 'nothing', why: value };
  if (key === 'run by') return { does: 'elsewhere', test: value };
  const other = RUN_BY[block.page];
  if (other && (language === 'hcl' || SHELLS.includes(language))) return { does: 'elsewhere', test: other };
  if (SHELLS.includes(language)) {
    return { does: 'run', script: text, dry: key === 'dry run', exits: key === 'exits' ? Number(value) : 0 };
  }
  if (language === 'console') return { does: 'compare', steps: stepsOf(block) };
  if (language === 'yaml' || language === 'yml') return yamlPlan(block, key === 'fragment' ? value : '');
  if (language === 'hcl') return { does: 'policy' };
  if (language === 'json') return { does: 'parse', what: 'JSON' };
  if (COMMAND.test(text)) throw new Error(`${at(block)}: commands stand in a block \`sh\` or \`console\``);
  return { does: 'show' };
}

export const at = ({ page, line }: Block) => `${page}:${line}`;

function yamlPlan(block: Block, fragment: string): Plan {
  const documents = parseAllDocuments(block.text);
  for (const { errors } of documents) if (errors[0]) throw new Error(`${at(block)}: ${errors[0].message}`);
  const all: unknown[] = documents.map((document) => document.toJS());
  if (fragment === 'values') return { does: 'values' };
  if (fragment.startsWith('other')) return { does: 'parse', what: fragment.replace(/^other,? ?/, '') };
  if (fragment) return { does: 'merge', into: fragment, content: all[0] };
  if (all.every(isManifest)) return { does: 'apply', manifests: all };
  throw new Error(
    `${at(block)}: no complete manifest, and no <!-- fragment: ... --> or <!-- not run: ... -->`,
  );
}

const isManifest = (value: unknown): value is Manifest =>
  typeof value === 'object' && value !== null && 'apiVersion' in value && 'kind' in value;

function stepsOf(block: Block): Step[] {
  const steps = block.text.split(/^\$ /m);
  if (steps.shift() !== '') throw new Error(`${at(block)}: a block \`console\` begins with "$ "`);
  return steps.map((step) => {
    const [, command = '', output = ''] = /^((?:.*\\\n)*.*\n)([^]*)$/.exec(step) ?? [];
    return { command: command.trimEnd(), output };
  });
}
