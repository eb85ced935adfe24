import type { ChainReport, Finding, Report } from './verify.ts';

const VERDICTS: Readonly<Record<Report['verdict'], string>> = {
  whole: 'everything is as it was written',
  incomplete: 'what is there is as it was written, but something is in none of these files',
  tampered: 'the audit is NOT as it was written; the first fault is the first one above',
};

/** For people: what is wrong, then what was looked at. */
export function asText({ verdict, findings, chains, unfinished, counts }: Report): string {
  const lines = [
    ...findings.map(tell),
    ...chains.map(tellChain),
    ...(unfinished.length > 0 ? [`unfinished  ${unfinished.join(', ')}: not written to the end`] : []),
    `${counts.audit} lines of the audit in ${chains.length} chains, ${counts.other} other lines`,
    VERDICTS[verdict],
  ];
  return `${lines.join('\n')}\n`;
}

function tell({ kind, chain, place, message }: Finding): string {
  return `${kind.toUpperCase().padEnd(11)} ${place ?? '-'}  chain ${short(chain)}: ${message}`;
}

function tellChain({ chain, identity, lines, places, ended, anchored }: ChainReport): string {
  const [first, last] = lines;
  const of = identity === undefined ? '' : ` of ${identity}`;
  // Whoever can write the file could have cut here, and left no trace.
  const end = ended ? 'ended' : `not ended, known to have ${anchored} lines`;
  return `chain       ${short(chain)}${of}: lines ${first} to ${last}, ${places.join(' to ')}, ${end}`;
}

function short(chain: string): string {
  return chain.slice(0, 8);
}

export function asJson(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
