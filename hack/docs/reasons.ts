/** docs/reasons.md: a heading for each reason, since messages and `kubectl fairlead explain` link to it. */
import { isTerminal, MENDERS, pageOf, type Reason, REASONS } from '../../src/api/reasons.ts';

/** What the table of reasons says, as a page. */
export function reasonsPage(): string {
  const reasons = Object.keys(REASONS) as Reason[];
  const named = reasons.map((reason) => `[${reason}](#${reason.toLowerCase()})`);
  return [
    '<!-- Generated from src/api/reasons.ts by hack/docs/reasons.ts; do not edit. -->',
    '',
    '# Reasons',
    '',
    'Every reason that a condition, an event or an entry of Fairlead can carry: what it means, who can mend it, and what to',
    'do. `kubectl fairlead explain pod NAME` ([kubectl.md](kubectl.md#explain)) tells which one holds a pod. The controller',
    'puts a link to the reason into its messages if `--docs-url` (in the chart `docsUrl`) says where these pages are.',
    '',
    'What waits goes on by itself when the cause is gone. "Stalled" means that waiting does not help: somebody has to change',
    'the object itself.',
    '',
    `${named.join(', ')}.`,
    '',
    ...reasons.flatMap(section),
  ].join('\n');
}

function section(reason: Reason): readonly string[] {
  const { meaning, fix, who, page } = REASONS[reason];
  return [
    `## ${reason}`,
    '',
    markdown(meaning),
    '',
    ...(pageOf(reason) === undefined
      ? []
      : [`- **Who can mend it:** ${MENDERS[who]}.`, `- **What to do:** ${markdown(fix)}`]),
    ...(isTerminal(reason) ? ['- **Stalled:** yes.'] : []),
    `- **More:** [${page}](${page})`,
    '',
  ];
}

/** What stands between backticks stays as it is; elsewhere `<` would be HTML, and `*` a mark. */
function markdown(text: string): string {
  const parts = text.split(/(`[^`]*`)/);
  return parts.map((part) => (part.startsWith('`') ? part : part.replaceAll(/[<*]/g, '\\$&'))).join('');
}
