import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { codeOf } from '../kube/errors.ts';
import { parseAnchor } from './anchor.ts';
import type { Tail } from './chain.ts';
import { linesOf, oldestFirst } from './files.ts';
import { parseKey } from './key.ts';
import { asJson, asText } from './report.ts';
import { verify, type Report } from './verify.ts';

const HELP = `Looks for the first line of an audit that was changed, dropped, reordered, repeated or cut off.

  node src/main.ts audit verify FILE... --key-file F [--anchor F] [-o json]

  FILE        audit.log and its older parts audit.log.1, ...; of all replicas that took turns. Other lines, such as
              logs on the same standard output, may stand between.
  --key-file  the key, from the Secret fairlead-audit-key; once more for each key that there was before
  --anchor    the annotation fairlead.dev/audit-anchor of the Lease fairlead-audit
  -o          text (default) or json

Exit codes: 0 everything is as it was written; 1 something is not; 2 wrong usage, or a file cannot be read;
3 what is there is as it was written, but a chain, or the beginning of one, is in none of these files.
`;

const EXIT: Readonly<Record<Report['verdict'], number>> = { whole: 0, tampered: 1, incomplete: 3 };
const USAGE = 2;

interface Wish {
  readonly files: readonly string[];
  readonly keys: readonly Buffer[];
  readonly anchors: readonly Tail[];
  readonly json: boolean;
}

/** `audit verify ...`; writes the answer and returns the exit code. */
export function auditCommand(args: readonly string[], out: { write(text: string): unknown }): number {
  if (args.includes('--help') || args.includes('-h')) {
    out.write(HELP);
    return 0;
  }
  try {
    const wish = understood(args);
    if (typeof wish === 'string') {
      out.write(`${wish}\n\n${HELP}`);
      return USAGE;
    }
    const report = verify(linesOf(oldestFirst(wish.files)), wish);
    out.write(wish.json ? asJson(report) : asText(report));
    return EXIT[report.verdict];
  } catch (error) {
    const { path = 'a file' } = error as { path?: string };
    out.write(`${path} cannot be read (${codeOf(error)})\n`);
    return USAGE;
  }
}

/** What is to be done, or what is wrong with how it was said. Files hold keys: nothing of them is quoted. */
function understood(args: readonly string[]): Wish | string {
  const options = {
    'key-file': { type: 'string', multiple: true },
    anchor: { type: 'string', multiple: true },
    output: { type: 'string', short: 'o' },
  } as const;
  let given;
  try {
    given = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch {
    return 'unknown or incomplete flag';
  }
  const { values, positionals } = given;
  const [command, ...files] = positionals;
  if (command !== 'verify') return 'the command is: audit verify';
  const { 'key-file': keyFiles = [], anchor: anchorFiles = [], output = 'text' } = values;
  if (files.length === 0) return 'no file is named';
  if (keyFiles.length === 0) return '--key-file is missing';
  if (output !== 'text' && output !== 'json') return '-o must be text or json';
  const keys = keyFiles.flatMap((file) => parseKey(readFileSync(file, 'utf8')) ?? []);
  if (keys.length < keyFiles.length) return 'a key file does not hold 64 hexadecimal digits';
  const anchors = anchorFiles.flatMap((file) => parseAnchor(readFileSync(file, 'utf8')) ?? []);
  if (anchors.length < anchorFiles.length) return 'an anchor file does not hold {"chain","seq","mac"}';
  return { files, keys, anchors, json: output === 'json' };
}
