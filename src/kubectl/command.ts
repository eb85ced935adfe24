import type { Io } from './cli/io.ts';
import type { ExitCode } from './cli/exit.ts';
import { describeFlags, type Flags } from './cli/flags.ts';

/** One command of the plugin. `run` rejects with PluginError or KubeError. */
export interface Command {
  /** After `kubectl fairlead`. */
  readonly usage: string;
  /** One line. */
  readonly summary: string;
  readonly description: string;
  readonly examples: readonly (readonly [line: string, what: string])[];
  readonly flags: Flags;
  readonly run: (argv: readonly string[], io: Io) => Promise<ExitCode>;
}

export function helpOf({ usage, summary, description, examples, flags }: Command): string {
  const lines = examples.map(([line, what]) => `  # ${what}\n  ${line}\n`).join('\n');
  const listed = Object.keys(flags).length > 0 ? `\nFlags:\n${describeFlags(flags)}` : '';
  return `${summary}\n\n${description}\n\nUsage:\n  kubectl fairlead ${usage}\n\nExamples:\n${lines}${listed}`;
}
