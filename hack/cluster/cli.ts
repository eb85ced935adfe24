import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { componentNames, componentStatus } from './components.ts';
import { ClusterError } from './errors.ts';
import type { ClusterOptions, RunningCluster } from './index.ts';
import { close, open, providerFromEnvironment } from './providers.ts';
import { readState } from './state.ts';

const USAGE = 'usage: [CLUSTER=local|kind|current] cli.ts up|down|status [--dir DIR] [--node auto|yes|no]';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE: Readonly<Record<string, ClusterOptions['node']>> = { auto: 'auto', yes: true, no: false };

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      dir: { type: 'string', default: resolve(ROOT, '.cluster') },
      node: { type: 'string', default: 'auto' },
    },
  });
  const [command] = positionals;
  const dir = resolve(values.dir);
  if (command === 'up') await runUp(dir, values.node);
  else if (command === 'down') await close(providerFromEnvironment(), dir, console.log);
  else if (command === 'status') await status(dir);
  else throw new ClusterError('UNSUPPORTED', USAGE);
}

async function runUp(dir: string, choice: string): Promise<void> {
  const node = NODE[choice];
  if (node === undefined) throw new ClusterError('UNSUPPORTED', USAGE);
  const started = performance.now();
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  process.once('SIGTERM', () => interrupted.abort());
  const log = (line: string): void => {
    console.log(`[${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s] ${line}`);
  };
  const options = { dir, node, log, signal: interrupted.signal };
  const cluster = await open(providerFromEnvironment(), options);
  log('the cluster is up');
  console.log(howToUse(cluster));
}

function howToUse(cluster: RunningCluster): string {
  const here = relative(process.cwd(), cluster.kubeconfig);
  const kubeconfig = here.startsWith('..') ? cluster.kubeconfig : `$PWD/${here}`;
  return [
    '',
    `  export KUBECONFIG="${kubeconfig}"`,
    `  alias kubectl=${cluster.tool('kubectl')}`,
    ...(cluster.bao
      ? [
          `  export BAO_ADDR=${cluster.bao.address} BAO_TOKEN=${cluster.bao.rootToken}`,
          `  alias bao=${cluster.tool('bao')}`,
        ]
      : []),
    '',
    cluster.nodeName === undefined
      ? `no node (${cluster.whyNoNode ?? '?'}): pods are scheduled nowhere`
      : `node ${cluster.nodeName}; an image for pods: ${cluster.image}`,
  ].join('\n');
}

async function status(dir: string): Promise<void> {
  const state = readState(dir);
  if (state === undefined) {
    console.log(`no cluster in ${dir}`);
    process.exitCode = 1;
    return;
  }
  const rows = await Promise.all(componentNames(state).map((name) => componentStatus(dir, state, name)));
  const table = [
    ['COMPONENT', 'PID', 'STATE', 'PORT'],
    ...rows.map((row) => [row.name, String(row.pid ?? '-'), row.state, row.port]),
  ];
  for (const [name = '', pid = '', state = '', port = ''] of table)
    console.log(`${name.padEnd(24)} ${pid.padEnd(8)} ${state.padEnd(10)} ${port}`);
  if (rows.some((row) => row.state !== 'ready')) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  // A ClusterError says all in its message; the stack of anything else is worth seeing.
  const usage = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
  if (usage) console.error(`${(error as Error).message}\n${USAGE}`);
  else console.error(error instanceof ClusterError ? `${error.code}: ${error.message}` : error);
  process.exitCode = 1;
}
